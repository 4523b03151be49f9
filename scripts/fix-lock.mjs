// Completes package-lock.json after `npm install`: npm leaves out optional packages of other platforms that the registry
// at hand does not hold, and `npm ci` then refuses the file. Each gets an entry with its version and platform only.
// Registry hosts are dropped, so that the file installs from any registry. Run by hand after `npm install`; `--check`
// changes nothing and fails when something would.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './lib/processes.mjs';

const systems = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const processors = {
  arm: 'arm',
  arm64: 'arm64',
  armv7: 'arm',
  gnueabihf: 'arm',
  ia32: 'ia32',
  loong64: 'loong64',
  mips64el: 'mips64el',
  ppc64: 'ppc64',
  riscv64: 'riscv64',
  s390x: 's390x',
  wasm32: 'wasm32',
  windows: undefined,
  x64: 'x64',
  x86: 'ia32',
};

/** What a package's name says about the platform it is for. */
function platformOf(name) {
  const words = name.split('/').at(-1).split(/[-_.]/);
  const os = words.map((word) => (word === 'windows' ? 'win32' : word)).filter((word) => systems.includes(word));
  const cpu = [...new Set(words.map((word) => processors[word]).filter(Boolean))];
  const libc = words.some((word) => word.startsWith('musl')) ? ['musl'] : [];
  return { ...(cpu.length && { cpu }), ...(libc.length && { libc }), ...(os.length && { os }) };
}

/** Where Node would find `name` from the package at `key`, or undefined. */
function find(packages, key, name) {
  for (let folder = key; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    const place = `${folder ? `${folder}/` : ''}node_modules/${name}`;
    if (packages[place]) return place;
    if (!folder) return undefined;
  }
}

/** The completed lock file, and the names that were added. Pure; running it on its own result adds nothing. */
export function complete(lock) {
  const packages = structuredClone(lock.packages);
  const added = [];
  for (const entry of Object.values(packages)) {
    if (/^(https?|git\+https?):/.test(entry.resolved ?? '')) delete entry.resolved;
  }
  for (const [key, entry] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      if (!/^\d/.test(version)) continue; // a range names no one package
      const found = find(packages, key, name);
      if (found && packages[found].version === version) continue;
      if (found && !packages[found].optional) continue;
      const place = found ? `${key}/node_modules/${name}` : `node_modules/${name}`;
      const { dev, devOptional } = entry;
      packages[place] = {
        version,
        ...(dev && { dev }),
        ...(devOptional && { devOptional }),
        optional: true,
        ...platformOf(name),
      };
      added.push(`${name}@${version}`);
    }
  }
  const sorted = Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, 'en'));
  return { lock: { ...lock, packages: Object.fromEntries(sorted) }, added };
}

if (import.meta.filename === process.argv[1]) {
  const file = path.resolve(
    process.argv.slice(2).find((argument) => !argument.startsWith('--')) ?? path.join(root, 'package-lock.json'),
  );
  const text = readFileSync(file, 'utf8');
  const { lock, added } = complete(JSON.parse(text));
  const completed = `${JSON.stringify(lock, null, 2)}\n`;
  if (process.argv.includes('--check')) {
    if (completed !== text) {
      console.error(`package-lock.json is incomplete (${added.length} packages): run node scripts/fix-lock.mjs`);
      process.exitCode = 1;
    }
  } else if (completed !== text) {
    writeFileSync(file, completed);
    console.log(`package-lock.json: ${added.length} packages of other platforms added`);
  }
}
