// Writes the schemas, lints every chart, and renders it to .rendered/<chart>.yaml for people to read.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findHelm, lint, packCharts, render } from './helm.mjs';
import { leaves } from './schema.mjs';

const root = resolve(fileURLToPath(import.meta.url), '../../..');
const found = findHelm();
if (found.helm === undefined) {
  console.error(found.reason);
  process.exit(1);
}
const packed = packCharts(found.helm);
try {
  mkdirSync(join(root, '.rendered'), { recursive: true });
  for (const chart of [...leaves, 'rapport']) {
    lint(found.helm, join(packed.charts, chart));
    const file = join(root, '.rendered', `${chart}.yaml`);
    writeFileSync(file, render(found.helm, join(packed.charts, chart)));
    console.log(`${chart.padEnd(13)} ${file}`);
  }
} finally {
  packed.remove();
}
