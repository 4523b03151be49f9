import { createHmac, createSecretKey } from 'node:crypto';

/**
 * One form for all ways to write the same value: Unicode NFKC, lower case, no surrounding space, inner runs of space as
 * one. Numbers of a format of their own (telephone, account) must be brought into it before.
 */
export function normalise(value: string): string {
  return value.normalize('NFKC').trim().replace(/\s+/gu, ' ').toLowerCase();
}

/**
 * What is stored beside a sealed value so that it can be found: HMAC-SHA-256 of the normalised value, cut to 16 bytes.
 * Equal values give equal indexes, so use it for values with many possibilities only (never for a sex or a year of
 * birth). `domain` (`email`, `tax_id`) keeps equal values of different kinds apart. About 4 µs.
 */
export function blindIndex(key: Buffer, value: string, domain = ''): Buffer {
  return createHmac('sha256', createSecretKey(key))
    .update(`${domain}\0`)
    .update(normalise(value))
    .digest()
    .subarray(0, 16);
}
