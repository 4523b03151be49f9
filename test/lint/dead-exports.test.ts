import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

it('a dead export is named, a used one is not', () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'rapport-exports-'));
  const folder = path.join(dir, 'services/customer/src/party');
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    path.join(folder, 'party.ts'),
    `export const used = 1;\nexport const forgotten = 2;\nexport interface Shape { a: 1 }\nexport const [one] = [1 as unknown as Shape];\n`,
  );
  writeFileSync(
    path.join(folder, 'get-party.ts'),
    `import { one, used } from './party.js';\nconsole.log(one, used);\n`,
  );
  const script = path.resolve(__dirname, '../../scripts/check-exports.mjs');
  const answer = spawnSync(process.execPath, [script, dir], { encoding: 'utf8' });
  rmSync(dir, { recursive: true });
  expect(answer.stderr).toBe('dead export: services/customer/src/party/party.ts: forgotten\n');
  expect(answer.status).toBe(1);
});
