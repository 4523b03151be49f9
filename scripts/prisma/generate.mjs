// Generates the Prisma client of every service that has prisma/schema.prisma into its src/gen/prisma.
//
//   node scripts/prisma/generate.mjs            all services whose schema changed since the last time
//   node scripts/prisma/generate.mjs customer   only these
//   node scripts/prisma/generate.mjs --force    whether it changed or not
//
// A service's schema begins with:
//   generator client {
//     provider            = "prisma-client"
//     output              = "../src/gen/prisma"
//     moduleFormat        = "cjs"
//     importFileExtension = "js"
//     runtime             = "nodejs"
//   }
//   datasource db {
//     provider = "postgresql"
//   }
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { root, schemaOf, servicesWithSchema } from './services.mjs';

const require = createRequire(import.meta.url);
const prisma = path.dirname(require.resolve('prisma/package.json'));
const { version } = require('prisma/package.json');

const args = process.argv.slice(2);
const force = args.includes('--force');
const named = args.filter((arg) => !arg.startsWith('--'));

function generate(service) {
  const schema = schemaOf(service);
  const output = path.join(root, 'services', service, 'src/gen/prisma');
  const stamp = path.join(output, '.schema');
  const wanted = createHash('sha256').update(version).update(readFileSync(schema)).digest('hex');
  if (!force && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return 'unchanged';
  rmSync(output, { recursive: true, force: true });
  const answer = spawnSync(process.execPath, [path.join(prisma, 'build/index.js'), 'generate', '--schema', schema], {
    cwd: path.join(root, 'services', service),
    // The schema engine is a download that generating does not need; a program that fails stands in for it.
    env: {
      ...process.env,
      PRISMA_SCHEMA_ENGINE_BINARY: '/bin/false',
      CHECKPOINT_DISABLE: '1',
      PRISMA_HIDE_UPDATE_MESSAGE: '1',
    },
    encoding: 'utf8',
  });
  if (answer.status !== 0) throw new Error(`${service}: ${answer.stderr || answer.stdout || answer.error?.message}`);
  mkdirSync(output, { recursive: true });
  writeFileSync(stamp, wanted);
  return 'generated';
}

for (const service of named.length > 0 ? named : servicesWithSchema())
  console.log(`prisma ${service}: ${generate(service)}`);
