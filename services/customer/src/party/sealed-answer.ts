import type { FieldCipher } from '@rapport/kit/crypto';
import type { Codec } from '@rapport/kit/rpc';

/**
 * A codec that seals what it encodes, under a key of its own: answers are kept for days so that a repeated request gets
 * the same, and those about a party hold what its row keeps sealed. `requestId` binds the blob to its request.
 */
export function sealedAnswer<T>(cipher: FieldCipher, codec: Codec<T>, requestId: string): Codec<T> {
  const row = { table: 'kit.idempotency', dataClass: 'C2', row: requestId };
  return {
    encode: (message) => ({
      finish: () => {
        const key = cipher.newKey(requestId);
        const answer = Buffer.from(codec.encode(message).finish()).toString('base64');
        const length = Buffer.alloc(2);
        length.writeUInt16BE(key.wrapped.length);
        return Buffer.concat([length, key.wrapped, cipher.seal(key, row, { answer })]);
      },
    }),
    decode: (bytes) => {
      const blob = Buffer.from(bytes);
      const end = 2 + blob.readUInt16BE();
      const key = { owner: requestId, wrapped: blob.subarray(2, end) };
      const { answer = '' } = cipher.open(key, row, blob.subarray(end));
      return codec.decode(Buffer.from(answer, 'base64'));
    },
  };
}
