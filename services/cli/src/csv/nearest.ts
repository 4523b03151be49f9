/** The nearest of the allowed words, for a hint. */
function nearest(word: string, allowed: readonly string[]): string | undefined {
  const close = allowed
    .map((one) => ({ one, distance: distance(word.toLowerCase(), one) }))
    .sort((a, b) => a.distance - b.distance)[0];
  return close && close.distance <= Math.max(2, word.length / 3) ? close.one : undefined;
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_none, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

/** What may stand where a word stands, the nearest first. */
export function allowedText(word: string, allowed: readonly string[]): string {
  const close = nearest(word, allowed);
  return `${close ? `did you mean "${close}"? ` : ''}allowed are ${allowed.join(', ')}`;
}
