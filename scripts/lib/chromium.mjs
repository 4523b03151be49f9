// Finds or installs the browser of the console's tests.
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import path from 'node:path';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

const isProgram = (file) => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};
const onPath = (name) =>
  (process.env.PATH ?? '')
    .split(path.delimiter)
    .filter(Boolean)
    .map((folder) => path.join(folder, name))
    .find(isProgram);

/**
 * The path of a Chromium: RAPPORT_CHROMIUM, the PATH, else installed from Debian's packages when run as root. Throws one
 * line saying what to do when none of them works. `say` hears about what takes long.
 */
export function findChromium({ say = () => {} } = {}) {
  const wished = process.env.RAPPORT_CHROMIUM;
  if (wished) {
    if (isProgram(wished)) return wished;
    throw new Error(`RAPPORT_CHROMIUM names ${wished}, which is no program`);
  }
  const find = () => names.map(onPath).find(Boolean);
  const found = find();
  if (found) return found;
  if (process.getuid?.() === 0 && onPath('apt-get')) {
    say('installing chromium from the system packages');
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const install = () =>
      spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium'], { env });
    if (install().status !== 0) {
      spawnSync('apt-get', ['update', '-qq'], { env });
      install();
    }
    const installed = find();
    if (installed) return installed;
  }
  throw new Error('chromium is missing: install it, or name it in RAPPORT_CHROMIUM');
}
