import { createHash, hkdfSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';

const keyText = z
  .string()
  .refine((text) => Buffer.from(text, 'base64').length === 32, 'a key is 32 bytes in base64')
  .transform((text) => Buffer.from(text, 'base64'));

const fileSchema = z
  .strictObject({
    current: z.string().regex(/^[\w-]{1,64}$/),
    keys: z.record(z.string().regex(/^[\w-]{1,64}$/), keyText),
    index: keyText,
  })
  .refine((file) => file.current in file.keys, 'current names a key that is not in keys');

/** The keys of one key-encryption-key file, in clear. */
export interface KeyRing {
  /** id of the key that wraps new party keys */
  current: string;
  keys: ReadonlyMap<string, Buffer>;
  /** key of the blind indexes; it does not rotate with the others, or every index would have to be rebuilt */
  index: Buffer;
}

/** A file that is one bare key: its id is a digest of it, and the index key is derived from it. */
function bareRing(key: Buffer): KeyRing {
  const id = createHash('sha256').update('key id').update(key).digest('hex').slice(0, 8);
  const index = Buffer.from(hkdfSync('sha256', key, '', 'rapport blind index', 32));
  return { current: id, keys: new Map([[id, key]]), index };
}

function parseKeyRing(text: string, file: string): KeyRing {
  const bare = keyText.safeParse(text.trim());
  if (bare.success) return bareRing(bare.data);
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw new Error(`the key-encryption-key file ${file} is neither 32 bytes in base64 nor JSON`);
  }
  const parsed = fileSchema.safeParse(content);
  if (!parsed.success) {
    const issues = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
    throw new Error(`the key-encryption-key file ${file} is not valid: ${issues}`);
  }
  return { current: parsed.data.current, keys: new Map(Object.entries(parsed.data.keys)), index: parsed.data.index };
}

/**
 * Reads a key-encryption-key file: either 32 bytes in base64, or, once a key was rotated, `{"current": "2026-01",
 * "keys": {"2026-01": "<32 bytes, base64>"}, "index": "<32 bytes, base64>"}`. Throws an error that names the file and
 * the rule, never a key.
 */
export function readKeyRing(file: string): KeyRing {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`cannot read the key-encryption-key file ${file}: ${(error as NodeJS.ErrnoException).code}`);
  }
  return parseKeyRing(text, file);
}

function writeKeyRing(ring: KeyRing): string {
  const keys = Object.fromEntries([...ring.keys].map(([id, key]) => [id, key.toString('base64')]));
  return `${JSON.stringify({ current: ring.current, keys, index: ring.index.toString('base64') }, null, 2)}\n`;
}

/** The text of a fresh key-encryption-key file with one key, named `id`. Keep it where only the service reads it. */
export function newKeyRing(id: string): string {
  return writeKeyRing({ current: id, keys: new Map([[id, randomBytes(32)]]), index: randomBytes(32) });
}

/** The text of the same file with a new current key; the old keys stay until every party key is rewrapped. */
export function rotateKeyRing(text: string, id: string): string {
  const ring = parseKeyRing(text, 'given');
  if (ring.keys.has(id)) throw new RangeError(`the key ${id} exists already`);
  return writeKeyRing({ ...ring, current: id, keys: new Map([...ring.keys, [id, randomBytes(32)]]) });
}

const wrappedSchema = z
  .strictObject({
    current: z.string().regex(/^[\w-]{1,64}$/),
    keys: z.record(z.string().regex(/^[\w-]{1,64}$/), z.string().min(1)),
    index: z.string().min(1),
  })
  .refine((file) => file.current in file.keys, 'current names a key that is not in keys');

/** The text of the same file with every key wrapped by `wrap`, which gets them all at once. */
export async function wrapRing(text: string, wrap: (keys: Buffer[]) => Promise<string[]>): Promise<string> {
  const ring = parseKeyRing(text, 'given');
  const ids = [...ring.keys.keys()];
  const wrapped = await wrap([...ring.keys.values(), ring.index]);
  const keys = Object.fromEntries(ids.map((id, at) => [id, wrapped[at]]));
  return `${JSON.stringify({ current: ring.current, keys, index: wrapped[ids.length] }, null, 2)}\n`;
}

/** What stands in a file as `wrapRing` makes it. */
function parseWrappedRing(text: string, file: string): z.infer<typeof wrappedSchema> {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    content = undefined;
  }
  const parsed = wrappedSchema.safeParse(content);
  if (!parsed.success) throw new Error(`the key-encryption-key file ${file} holds no wrapped keys`);
  return parsed.data;
}

/** The same file with every wrapped key as `rewrap` gives it back, which gets them all at once. */
export async function rewrapRing(text: string, rewrap: (keys: string[]) => Promise<string[]>): Promise<string> {
  const { current, keys, index } = parseWrappedRing(text, 'given');
  const ids = Object.keys(keys);
  const again = await rewrap([...Object.values(keys), index]);
  const wrapped = Object.fromEntries(ids.map((id, at) => [id, again[at]]));
  return `${JSON.stringify({ current, keys: wrapped, index: again[ids.length] }, null, 2)}\n`;
}

/** The same file with a new current key that `wrap` has wrapped; the old ones stay. */
export async function rotateWrappedRing(
  text: string,
  id: string,
  wrap: (key: Buffer) => Promise<string>,
): Promise<string> {
  const ring = parseWrappedRing(text, 'given');
  if (id in ring.keys) throw new RangeError(`the key ${id} exists already`);
  const keys = { ...ring.keys, [id]: await wrap(randomBytes(32)) };
  return `${JSON.stringify({ current: id, keys, index: ring.index }, null, 2)}\n`;
}

/** Reads a file as `wrapRing` makes it; `unwrap` gets all keys at once. Errors name the file, never a key. */
export async function openWrappedRing(file: string, unwrap: (keys: string[]) => Promise<Buffer[]>): Promise<KeyRing> {
  const { current, keys: wrapped, index } = parseWrappedRing(readFileSync(file, 'utf8'), file);
  const ids = Object.keys(wrapped);
  const clear = await unwrap([...Object.values(wrapped), index]);
  if (clear.some((key) => key.length !== 32)) throw new Error(`the key-encryption-key file ${file}: a key is 32 bytes`);
  const keys = new Map(ids.map((id, at) => [id, clear[at] as Buffer]));
  return { current, keys, index: clear[ids.length] as Buffer };
}
