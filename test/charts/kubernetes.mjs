// Checks Kubernetes objects given as a JSON array on standard input; prints a JSON array of violations.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { text } from 'node:stream/consumers';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

/** `apps/v1` + `Deployment` → `kubernetes-models/apps/v1/Deployment` */
const moduleOf = ({ apiVersion, kind }) => `kubernetes-models/${apiVersion}/${kind}`;
const nameOf = ({ kind, metadata }) => `${kind}/${metadata?.name}`;

async function bySchema(manifest) {
  let models;
  try {
    models = await import(moduleOf(manifest));
  } catch {
    return [`${nameOf(manifest)}: Kubernetes has no ${manifest.apiVersion} ${manifest.kind}`];
  }
  try {
    new models[manifest.kind](manifest).validate();
    return [];
  } catch (error) {
    return [`${nameOf(manifest)}: ${error.message}`];
  }
}

/** The compiler refuses unknown properties of a literal, which the schemas let pass. */
function byType(manifests) {
  mkdirSync(join(root, '.data'), { recursive: true });
  const folder = mkdtempSync(join(root, '.data/kubernetes-'));
  try {
    const lines = manifests.map(
      (manifest, index) =>
        `const _${index}: import(${JSON.stringify(moduleOf(manifest))}).I${manifest.kind} = ${JSON.stringify(manifest)};`,
    );
    writeFileSync(join(folder, 'manifests.mts'), `${lines.join('\n')}\nexport {};\n`);
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          module: 'nodenext',
          strict: true,
          noEmit: true,
          skipLibCheck: true,
          types: [],
        },
        files: ['manifests.mts'],
      }),
    );
    const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
    const run = spawnSync(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], { encoding: 'utf8' });
    if (run.status === 0) {
      return [];
    }
    const found = run.stdout.split('\n').filter((line) => line.includes('error TS'));
    return found.map((line) => {
      const at = /manifests\.mts\((\d+),/.exec(line);
      return `${at ? nameOf(manifests[Number(at[1]) - 1]) : 'manifests'}: ${line.slice(line.indexOf('error TS'))}`;
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const manifests = JSON.parse(await text(process.stdin));
const schema = (await Promise.all(manifests.map(bySchema))).flat();
process.stdout.write(JSON.stringify(schema.length > 0 ? schema : byType(manifests)));
