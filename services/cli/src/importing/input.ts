import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { OperatorError } from '../suite.js';

/** A file that an import reads, as often as it must. */
export interface Input {
  /** Where it lies. */
  readonly path: string;
  /** Its name in reject lists. */
  readonly name: string;
  /** SHA-256 of its bytes, hexadecimal: other bytes are another import. */
  readonly digest: string;
  /** Removes what was kept for the import. */
  close(): Promise<void>;
}

/**
 * Makes a file ready to be imported. `-` is standard input: it is kept in a temporary file that nobody else can read, so
 * that a broken stream can be sent again and memory stays small. Throws an OperatorError when there is no such file.
 */
export async function openInput(file: string): Promise<Input> {
  if (file === '-') return spooled();
  const found = await stat(file).catch(() => undefined);
  if (!found?.isFile()) throw new OperatorError(`There is no file ${file}.`);
  return { path: file, name: path.basename(file), digest: await digestOf(file), close: async () => undefined };
}

async function spooled(): Promise<Input> {
  const folder = await mkdtemp(path.join(tmpdir(), 'rapport-import-'));
  const file = path.join(folder, 'stdin');
  const close = () => rm(folder, { recursive: true, force: true });
  try {
    await pipeline(process.stdin, createWriteStream(file, { mode: 0o600 }));
    return { path: file, name: 'stdin', digest: await digestOf(file), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
