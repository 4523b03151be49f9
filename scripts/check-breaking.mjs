#!/usr/bin/env node
// Compares the contracts with those of the last release: whoever speaks the released ones must go on understanding.
//   node scripts/check-breaking.mjs                      the newest tag v* that this commit descends from
//   node scripts/check-breaking.mjs --against <image>    a descriptor image
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { root } from './lib/processes.mjs';

const IMAGE = 'proto/descriptor.binpb';
const { values } = parseArgs({ options: { against: { type: 'string' } } });
const git = (...args) => spawnSync('git', args, { cwd: root, maxBuffer: 1 << 28 });

/** The image of the last release, written to `folder`; undefined before the first release. */
function released(folder) {
  const tag = git('describe', '--tags', '--abbrev=0', '--match', 'v*').stdout.toString().trim();
  if (!tag) return undefined;
  const { status, stdout } = git('show', `${tag}:${IMAGE}`);
  if (status !== 0) throw new Error(`the release ${tag} has no ${IMAGE}`);
  const file = path.join(folder, `${tag}.binpb`);
  writeFileSync(file, stdout);
  return file;
}

const folder = mkdtempSync(path.join(tmpdir(), 'rapport-release-'));
try {
  const against = values.against ?? released(folder);
  if (against) {
    const args = ['breaking', IMAGE, '--against', path.resolve(against), '--config', 'proto/buf.yaml'];
    const { status, stdout, stderr, error } = spawnSync(path.join(root, 'node_modules/.bin/buf'), args, {
      cwd: root,
      encoding: 'utf8',
    });
    if (error) throw error;
    process.stdout.write(stdout);
    process.stderr.write(stderr);
    process.exitCode = status ?? 1;
    if (status === 0) console.log(`the contracts keep what ${path.basename(against)} promised`);
  } else {
    console.log('nothing is released yet, so nothing can be broken');
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
