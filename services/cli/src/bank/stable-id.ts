import { createHash } from 'node:crypto';

/** Namespace of all ids made here (a random UUID, fixed for ever). */
const NAMESPACE = Buffer.from('6d2f6b1e3c574b0a9f0ce1c7b5a0d942', 'hex');

/**
 * A UUID that depends on the words alone (RFC 9562, version 5): the same step of the same bank asks with the same request
 * id for ever, so that repeating it changes nothing.
 */
export function stableId(...words: readonly (string | number)[]): string {
  const bytes = createHash('sha1').update(NAMESPACE).update(words.join('\u0000')).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
