import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { leaves, root } from './charts.js';

interface Closure {
  packages: string[];
  workspaces: string[];
}

/** Runs an expression on the image scripts, which are modules that this test's module system cannot load. */
function ask<T>(expression: string): T {
  const script = [
    "import * as stage from './scripts/images/stage.mjs';",
    "import { dependencyClosure, readLock } from './scripts/images/closure.mjs';",
    'void stage, dependencyClosure, readLock;',
    `process.stdout.write(JSON.stringify(${expression}));`,
  ].join('\n');
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd: root, encoding: 'utf8' });
  if (run.status !== 0) throw new Error(run.stderr);
  return JSON.parse(run.stdout) as T;
}

const closureOf = (service: string): Closure => ask(`dependencyClosure(readLock(stage.root), 'services/${service}')`);

/** The rules of what no image may hold, applied to these package names. */
const banned = (names: string[]): string[] =>
  ask(`${JSON.stringify(names)}.filter((name) => stage.forbidden.some((rule) => rule.test(name)))`);

const nameOf = (key: string): string => key.slice(key.lastIndexOf('node_modules/') + 'node_modules/'.length);

describe.each(leaves)('the image of %s', (service) => {
  const closure = closureOf(service);

  test('depends on no engine, build tool or test tool', () => {
    const names = closure.packages.map(nameOf).filter((name) => !name.startsWith('@types/'));
    expect(names).toContain('@grpc/grpc-js');
    expect(banned(names)).toEqual([]);
  });

  test('holds this service, kit and the contracts, and no other service', () => {
    expect(closure.workspaces).toEqual(['proto', `services/${service}`, 'services/kit'].sort());
  });

  const parts = ['proto/dist', 'services/kit/dist', `services/${service}/dist/main.js`];
  const built = parts.every((part) => existsSync(join(root, part)));
  const complete = built && (service !== 'gateway' || existsSync(join(root, 'services/console/dist')));
  if (!complete) {
    console.warn(`THE TREE OF ${service} WAS NOT CHECKED: it is not built, run npm run build`);
    test('was NOT laid out, because its sources are not built', () => {
      expect(() => ask(`stage.stage({ service: '${service}', out: '/nonexistent/${service}' })`)).toThrow(
        /build it first/,
      );
    });
    return;
  }

  describe('laid out', () => {
    let tree: string;
    let names: string[];
    beforeAll(() => {
      mkdirSync(join(root, '.data'), { recursive: true });
      tree = mkdtempSync(join(root, '.data/tree-'));
      const { bytes } = ask<{ bytes: number }>(`stage.stage({ service: '${service}', out: '${tree}' })`);
      process.stdout.write(`the tree of ${service}: ${(bytes / 1e6).toFixed(1)} MB\n`);
      names = ask<string[]>(`stage.packagesIn('${tree}')`);
    });
    afterAll(() => rmSync(tree, { recursive: true, force: true }));

    test('holds no package that it must not', () => {
      expect(names).toContain('@grpc/grpc-js');
      expect(banned(names)).toEqual([]);
    });

    test('holds no source, no test and no type', () => {
      const files = readdirSync(tree, { recursive: true, encoding: 'utf8' });
      expect(files).toContain(`services/${service}/dist/main.js`);
      expect(files.filter((file) => /(\.test\.js|\.[cm]?tsx?|\.tsbuildinfo)$/.test(file))).toEqual([]);
      expect(files.filter((file) => /^services\/[^/]+\/(src|test)$/.test(file))).toEqual([]);
      const manifest = readFileSync(join(tree, 'services', service, 'package.json'), 'utf8');
      expect(JSON.parse(manifest)).not.toHaveProperty('devDependencies');
    });
  });
});

describe('the closure of dependencies', () => {
  const lock = {
    'services/one': { dependencies: { a: '1', kit: '1' }, devDependencies: { chdb: '1' } },
    'node_modules/kit': { link: true, resolved: 'services/kit' },
    'services/kit': { dependencies: { b: '1' } },
    'services/kit/node_modules/b': { version: '2', dependencies: { c: '1' } },
    'node_modules/b': { version: '1' },
    'node_modules/c': { optionalDependencies: { mac: '1', lin: '1', gone: '1' } },
    'node_modules/mac': { os: ['darwin'] },
    'node_modules/lin': { os: ['linux'], cpu: ['x64'] },
    'node_modules/a': { peerDependencies: { p: '1', q: '1' }, peerDependenciesMeta: { q: { optional: true } } },
    'node_modules/p': {},
    'node_modules/q': {},
    'node_modules/chdb': {},
  };

  test('follows links, nearest versions and peers; leaves development, optional peers and other platforms out', () => {
    expect(ask(`dependencyClosure(${JSON.stringify(lock)}, 'services/one')`)).toEqual({
      packages: [
        'node_modules/a',
        'node_modules/c',
        'node_modules/lin',
        'node_modules/p',
        'services/kit/node_modules/b',
      ],
      workspaces: ['services/kit', 'services/one'],
    });
  });

  test('refuses a lock file that lacks a required package, and finds an engine that is depended on', () => {
    const { 'node_modules/c': _c, ...without } = lock;
    expect(() => ask(`dependencyClosure(${JSON.stringify(without)}, 'services/one')`)).toThrow(/needs c/);
    const careless = { ...lock, 'services/one': { dependencies: { chdb: '1' } } };
    const names = ask<Closure>(`dependencyClosure(${JSON.stringify(careless)}, 'services/one')`).packages.map(nameOf);
    expect(banned(names)).toEqual(['chdb']);
  });
});
