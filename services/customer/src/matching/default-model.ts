import type { Parameters } from './model.js';

/**
 * What the matcher goes by before it has learned from a bank's own parties: learned, without labels, from 8989 records
 * of made-up people of whom every fifth is there more than once and some live together. A test learns it anew.
 */
export const defaultModel: { parameters: Parameters; records: number } = {
  records: 8989,
  parameters: {
    m: [
      [0.718, 0.133, 0.00523, 0.0467, 0.097],
      [0.78, 0.153, 0.00501, 0.0265, 5e-5, 0.0348],
      [0.864, 0.0805, 0.000632, 0.000287, 0.000344, 0.0539],
      [1, 0.000102],
      [0.779, 0.000751, 0.0005, 0.001, 0.218],
      [0.772, 0.000601, 0.0004, 0.227],
      [0.676, 0.00639, 0.00167, 0.316],
      [0.712, 0.000305, 0.288],
      [0.963, 0.000844, 0.0365],
    ],
    u: [
      [0.00844, 0.00951, 0.00843, 0.00147, 0.972],
      [0.00283, 0.000281, 0.00333, 3e-6, 1e-6, 0.994],
      [3.38e-5, 0.00135, 0.00301, 0.0145, 0.00821, 0.973],
      [0.5, 0.5],
      [0.00878, 1e-6, 1e-6, 0.000115, 0.991],
      [6.79e-6, 0.000557, 1e-6, 0.999],
      [1.08e-6, 9.68e-6, 1.08e-6, 1],
      [1.08e-6, 1.08e-6, 1],
      [2.36e-6, 2.36e-6, 1],
    ],
    match: 9.843e-5,
    household: 1.339e-5,
  },
};

/** A model that has never seen the bank merges by itself only what is this sure: one wrong in a thousand, in bits. */
export const DEFAULT_BANDS = { auto: Math.log2(0.999 / 0.001), review: Math.log2(0.2 / 0.8) };
