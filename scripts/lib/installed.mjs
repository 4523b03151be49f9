// Exits with 0 when node_modules holds what package-lock.json says, with 1 when `npm ci` is needed. Runs on the Node of
// the machine, before the tree's own is installed.
import { readFileSync } from 'node:fs';

try {
  const read = (file) => JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8')).packages;
  const wanted = read('../../package-lock.json');
  const there = read('../../node_modules/.package-lock.json'); // npm writes it last
  const needed = Object.entries(wanted).filter(
    ([place, { link, optional }]) => /(^|\/)node_modules\//.test(place) && !link && !optional,
  );
  process.exitCode = needed.every(([place, { version }]) => there[place]?.version === version) ? 0 : 1;
} catch {
  process.exitCode = 1;
}
