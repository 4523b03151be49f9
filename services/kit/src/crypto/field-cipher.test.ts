import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  blindIndex,
  type FieldCipher,
  fieldCipher,
  newKeyRing,
  type PartyKey,
  rotateKeyRing,
  SealError,
} from './index.js';

const dir = mkdtempSync(join(tmpdir(), 'cipher-'));
const file = join(dir, 'keys.json');
const row = { table: 'contact_point', dataClass: 'C2', row: '01900000-0000-7000-8000-000000000001' };
const fields = { email: 'jana@example.com', phone: '+420 601 000 000', note: 'žluťoučký' };

let cipher: FieldCipher;
let key: PartyKey;

beforeEach(() => {
  writeFileSync(file, newKeyRing('2026-01'));
  cipher = fieldCipher({ keyEncryptionKeyFile: file });
  key = cipher.newKey('parties/1');
});
afterAll(() => rmSync(dir, { recursive: true }));

describe('fieldCipher', () => {
  it('opens what it sealed, without the absent fields', () => {
    const blob = cipher.seal(key, row, { ...fields, fax: null, pager: undefined });
    expect(cipher.open(key, row, blob)).toEqual(fields);
    expect(blob[0]).toBe(1);
    expect(blob.includes('jana')).toBe(false);
    expect(cipher.seal(key, row, fields).equals(blob)).toBe(false);
  });

  it.each([
    ['row', { ...row, row: '01900000-0000-7000-8000-000000000002' }],
    ['table', { ...row, table: 'identifier' }],
    ['class', { ...row, dataClass: 'C3' }],
    ['boundary between table and class', { table: 'contact_pointC', dataClass: '2', row: row.row }],
  ])('opens nothing in another %s', (_what, elsewhere) => {
    const blob = cipher.seal(key, row, fields);
    expect(() => cipher.open(key, elsewhere, blob)).toThrow(SealError);
  });

  it('opens nothing with a key of another party, nor one moved to another party', () => {
    const blob = cipher.seal(key, row, fields);
    expect(() => cipher.open(cipher.newKey('parties/1'), row, blob)).toThrow(SealError);
    expect(() => cipher.open({ ...key, owner: 'parties/2' }, row, blob)).toThrow(SealError);
  });

  it('opens nothing of which a single bit was flipped, wherever', () => {
    const blob = cipher.seal(key, row, { a: 'b' });
    for (let bit = 0; bit < blob.length * 8; bit += 1) {
      const flipped = Buffer.from(blob);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => cipher.open(key, row, flipped)).toThrow(SealError);
    }
    for (const length of [0, 1, 12, 28, blob.length - 1]) {
      expect(() => cipher.open(key, row, blob.subarray(0, length))).toThrow(SealError);
    }
  });

  it('opens no wrapped key of which a byte was changed', () => {
    const blob = cipher.seal(key, row, fields);
    for (let byte = 0; byte < key.wrapped.length; byte += 1) {
      const wrapped = Buffer.from(key.wrapped);
      wrapped[byte] = (wrapped[byte] ?? 0) ^ 1;
      expect(() => cipher.open({ ...key, wrapped }, row, blob)).toThrow(SealError);
    }
  });

  it('rotates the key-encryption key in a running process and keeps opening', () => {
    const blob = cipher.seal(key, row, fields);
    writeFileSync(file, rotateKeyRing(readFileSync(file, 'utf8'), '2026-02'));
    const rewrapped = cipher.rewrap(key) as PartyKey;
    expect(cipher.keyId(key)).toBe('2026-01');
    expect(cipher.keyId(rewrapped)).toBe('2026-02');
    expect(cipher.rewrap(rewrapped)).toBeUndefined();
    expect(cipher.open(key, row, blob)).toEqual(fields);
    expect(cipher.open(rewrapped, row, blob)).toEqual(fields);
    const old = JSON.parse(readFileSync(file, 'utf8')) as { keys: Record<string, string> };
    delete old.keys['2026-01'];
    writeFileSync(file, JSON.stringify(old));
    const restarted = fieldCipher({ keyEncryptionKeyFile: file });
    expect(restarted.open(rewrapped, row, blob)).toEqual(fields);
    expect(() => restarted.open(key, row, blob)).toThrow('2026-01 is not in the file');
    expect(restarted.index('x', 'email')).toEqual(cipher.index('x', 'email'));
  });

  it('finds the new key when another process rotated first', () => {
    const early = fieldCipher({ keyEncryptionKeyFile: file });
    writeFileSync(file, rotateKeyRing(readFileSync(file, 'utf8'), '2026-02'));
    const late = fieldCipher({ keyEncryptionKeyFile: file });
    const made = late.newKey('parties/3');
    expect(early.open(made, row, late.seal(made, row, fields))).toEqual(fields);
  });

  it('takes a file that is one bare key, and rotates it without losing keys or indexes', () => {
    writeFileSync(file, `${Buffer.alloc(32, 7).toString('base64')}\n`);
    const bare = fieldCipher({ keyEncryptionKeyFile: file });
    const own = bare.newKey('parties/1');
    const blob = bare.seal(own, row, fields);
    const index = bare.index('a@b.cz', 'email');
    writeFileSync(file, rotateKeyRing(readFileSync(file, 'utf8'), 'next'));
    const rotated = fieldCipher({ keyEncryptionKeyFile: file });
    expect(rotated.open(own, row, blob)).toEqual(fields);
    expect(rotated.index('a@b.cz', 'email')).toEqual(index);
    expect(rotated.keyId(rotated.newKey('parties/2'))).toBe('next');
  });

  it.each([
    ['missing', undefined, 'ENOENT'],
    ['short', Buffer.alloc(16).toString('base64'), 'neither 32 bytes'],
    ['without the current key', '{"current":"b","keys":{},"index":"AAAA"}', 'index: a key is 32 bytes'],
  ])('refuses a key file that is %s and quotes none of it', (_what, text, message) => {
    const bad = join(dir, 'bad');
    if (text !== undefined) writeFileSync(bad, text);
    expect(() => fieldCipher({ keyEncryptionKeyFile: bad })).toThrow(message);
  });
});

describe('blindIndex', () => {
  const secret = Buffer.alloc(32, 1);

  it('is equal for the same value however it is written, and for nothing else', () => {
    const index = blindIndex(secret, 'Jana.Nováková@Example.com', 'email');
    expect(blindIndex(secret, '  jana.nova\u0301kova\u0301@example.COM ', 'email')).toEqual(index);
    expect(index).toHaveLength(16);
    expect(blindIndex(secret, 'jana.novakova@example.com', 'email')).not.toEqual(index);
    expect(blindIndex(secret, 'Jana.Nováková@Example.com', 'login')).not.toEqual(index);
    expect(blindIndex(Buffer.alloc(32, 2), 'Jana.Nováková@Example.com', 'email')).not.toEqual(index);
  });
});
