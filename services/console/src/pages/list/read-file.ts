/** A record of a file: its cells, and the line it begins on, from 1. */
export interface FileLine {
  line: number;
  cells: string[];
}

/** A quote was opened and never closed: nobody knows where records begin. */
export class OpenQuote extends Error {
  constructor(readonly line: number) {
    super(`a quote opens in line ${line} and never closes`);
  }
}

/** A record of a megabyte is none: a quote was forgotten. */
const MOST_CHARACTERS = 1_048_576;

/**
 * The records of comma-separated text (RFC 4180, with any separator), as its pieces come; empty lines are left out. Memory
 * is that of one piece. Throws OpenQuote.
 */
export async function* readRecords(pieces: AsyncIterable<string>, separator: string): AsyncGenerator<FileLine> {
  let [line, begun] = [1, 1];
  let [cells, cell] = [[] as string[], ''];
  let [quoted, closed, first] = [false, false, true];
  let returned = false;
  const record = (): FileLine | undefined => {
    const done = { line: begun, cells: [...cells, cell] };
    [cells, cell, quoted, closed] = [[], '', false, false];
    return done.cells.length > 1 || done.cells[0] !== '' ? done : undefined;
  };
  for await (const piece of pieces) {
    const text = first ? piece.replace(/^\uFEFF/, '') : piece;
    first = first && piece === '';
    for (const letter of text) {
      if (quoted && !closed) {
        if (letter === '"') closed = true;
        else {
          if (letter === '\n') line += 1;
          if (cell.length > MOST_CHARACTERS) throw new OpenQuote(begun);
          cell += letter;
        }
        continue;
      }
      if (letter === '"' && closed) {
        // Doubled, it stands for itself.
        cell += letter;
        closed = false;
      } else if (letter === '"' && cell === '' && !quoted) quoted = true;
      else if (letter === separator) {
        cells.push(cell);
        [cell, quoted, closed] = ['', false, false];
      } else if (letter === '\n' && returned) {
        line += 1;
        begun = line;
      } else if (letter === '\n' || letter === '\r') {
        const done = record();
        if (letter === '\n') line += 1;
        begun = letter === '\n' ? line : line + 1;
        if (done) yield done;
      } else cell += letter;
      returned = letter === '\r';
    }
  }
  if (quoted && !closed) throw new OpenQuote(begun);
  const last = record();
  if (last) yield last;
}

/** The pieces of a file, as text. */
export async function* textOf(file: Blob): AsyncGenerator<string> {
  const reader = file.stream().pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** The separator of a file by its first line: whichever of comma, semicolon and tab occurs most. */
export function separatorIn(head: string): string {
  const [line = ''] = head.split(/\r?\n/);
  const count = (separator: string) => line.split(separator).length;
  return [',', ';', '\t'].reduce((best, one) => (count(one) > count(best) ? one : best));
}

/** The SHA-256 of a file in hexadecimal; empty where it is too large to be held in memory as a whole. */
export async function checksumOf(file: Blob): Promise<string> {
  if (file.size > 64 * 1024 * 1024 || !globalThis.crypto?.subtle) return '';
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', await file.arrayBuffer()));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
