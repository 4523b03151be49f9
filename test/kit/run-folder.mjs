// The folder of one test run: what was started for it is recorded there, so that any later process can end it.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isRunning, processBirth, stopProcess } from '../../scripts/lib/processes.mjs';

const PREFIX = 'rapport-test-';

/** Makes the folder of a run and records the process that owns it. */
export function createRunFolder() {
  const dir = mkdtempSync(path.join(tmpdir(), PREFIX));
  chmodSync(dir, 0o711); // Postgres runs as another user and must reach its data below
  writeFileSync(path.join(dir, 'owner.json'), JSON.stringify({ pid: process.pid, birth: processBirth(process.pid) }));
  return dir;
}

/** Ends every process recorded in the folder (`*.process.json`) and removes it. Idempotent. */
export async function removeRunFolder(dir) {
  if (!existsSync(dir)) return;
  const records = readdirSync(dir).filter((file) => file.endsWith('.process.json'));
  await Promise.all(
    records.map((file) => {
      const record = JSON.parse(readFileSync(path.join(dir, file), 'utf8'));
      return stopProcess(record, { signal: record.signal, waitMs: 5000 });
    }),
  );
  rmSync(dir, { recursive: true, force: true });
}

/** Removes the folders of runs whose owner was killed before it could. */
export async function removeStaleRunFolders() {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(PREFIX))) {
    const dir = path.join(tmpdir(), name);
    try {
      const owner = JSON.parse(readFileSync(path.join(dir, 'owner.json'), 'utf8'));
      if (!isRunning(owner)) await removeRunFolder(dir);
    } catch {
      // another run is making or removing this folder right now
    }
  }
}

/** Records a started process in the folder of its run. */
export function recordProcess(dir, name, { pid, birth }, signal) {
  writeFileSync(path.join(dir, `${name}.process.json`), JSON.stringify({ pid, birth, signal }));
}
