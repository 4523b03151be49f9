/** A column as Postgres writes it in text. */
type Parser<T> = (text: string) => T;

/**
 * An array of texts. Most are empty or hold words, which need no parser: Postgres quotes every item with a quote, a
 * backslash, a brace, a comma or a space, every empty one and every word NULL. The general parser, which goes by
 * characters, took a seventh of what a read of a party allocates.
 */
export function textArray(general: Parser<(string | null)[]>): Parser<(string | null)[]> {
  return (text) => {
    if (text === '{}') return [];
    const plain = text.startsWith('{') && text.lastIndexOf('{') === 0 && !text.includes('"') && !text.includes('NULL');
    return plain ? text.slice(1, -1).split(',') : general(text);
  };
}

const ZERO = 48;

/** The number that stands at a place of a text, NaN-free only where there are digits. */
function digits(text: string, from: number, count: number): number {
  let value = 0;
  for (let at = from; at < from + count; at += 1) {
    const digit = text.charCodeAt(at) - ZERO;
    // Also of what is beyond the end, whose code is NaN.
    if (!(digit >= 0 && digit <= 9)) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

const MINUTE = 60_000;

/** Milliseconds east of UTC of `+01`, `-05:30`; NaN of anything else. */
function offset(text: string, from: number): number {
  const sign = text[from] === '+' ? 1 : text[from] === '-' ? -1 : Number.NaN;
  const hours = digits(text, from + 1, 2);
  if (text.length === from + 3) return sign * hours * 60 * MINUTE;
  if (text.length !== from + 6 || text[from + 3] !== ':') return Number.NaN;
  return sign * (hours * 60 + digits(text, from + 4, 2)) * MINUTE;
}

/**
 * A time with its offset, to the millisecond, the rest cut off. Every row has some, and the general parser goes by a
 * regular expression; it still reads the years before 1000 and after 9999, infinity, and offsets with seconds.
 */
export function timestamp(general: Parser<Date | null>): Parser<Date | null> {
  return (text) => {
    const year = digits(text, 0, 4);
    const marks = text[4] === '-' && text[7] === '-' && text[10] === ' ' && text[13] === ':' && text[16] === ':';
    if (!marks || !(year >= 1000)) return general(text);
    let milliseconds = 0;
    let at = 19;
    if (text[at] === '.') {
      at += 1;
      for (let unit = 100; ; unit /= 10, at += 1) {
        const digit = text.charCodeAt(at) - ZERO;
        if (!(digit >= 0 && digit <= 9)) break;
        if (unit >= 1) milliseconds += digit * unit;
      }
    }
    const utc = Date.UTC(
      year,
      digits(text, 5, 2) - 1,
      digits(text, 8, 2),
      digits(text, 11, 2),
      digits(text, 14, 2),
      digits(text, 17, 2),
      milliseconds,
    );
    const time = utc - offset(text, at);
    return Number.isNaN(time) ? general(text) : new Date(time);
  };
}
