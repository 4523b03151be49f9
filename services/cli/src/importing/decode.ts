import { open } from 'node:fs/promises';

/** Whether the label names an encoding, as the WHATWG names them. */
export function isEncoding(label: string): boolean {
  try {
    new TextDecoder(label);
    return true;
  } catch {
    return false;
  }
}

/**
 * Reads a file as text, piece by piece. A byte order mark (UTF-8, UTF-16) says more than the label; it is dropped. Bytes
 * that are no text of the encoding become U+FFFD. Throws a RangeError for a label that is none.
 */
export async function* decoded(file: string, label: string): AsyncGenerator<string> {
  const handle = await open(file);
  try {
    const buffer = Buffer.alloc(256 * 1024);
    const { bytesRead: first } = await handle.read(buffer, 0, 3, 0);
    const decoder = new TextDecoder(markOf(buffer.subarray(0, first)) ?? label);
    for (let position = 0; ; ) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
      if (bytesRead === 0) break;
      position += bytesRead;
      yield decoder.decode(buffer.subarray(0, bytesRead), { stream: true });
    }
    yield decoder.decode();
  } finally {
    await handle.close();
  }
}

function markOf(bytes: Buffer): string | undefined {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return 'utf-8';
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  return bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : undefined;
}
