import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';

/** Changes when any `.asc` file of the folder changes: imports of other data are other imports. */
export async function editionOf(folder: string | undefined): Promise<string> {
  if (!folder) return 'generated';
  const hash = createHash('sha256');
  for (const name of (await readdir(folder)).filter((file) => file.endsWith('.asc')).sort()) {
    hash.update(name);
    for await (const chunk of createReadStream(path.join(folder, name))) hash.update(chunk as Buffer);
  }
  return hash.digest('hex').slice(0, 16);
}
