import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What an image runs on; a package for another platform is left out. */
export const target = { os: 'linux', cpu: 'x64', libc: 'glibc' };

/**
 * Finds every installed package that one workspace needs at run time, by reading package-lock.json the way Node
 * resolves a name: nearest node_modules first, then outwards.
 *
 * Production dependencies and peers are followed; development dependencies, optional peers and optional packages built
 * for another platform are not. A missing required package is an error, not a smaller image.
 *
 * @param {Record<string, object>} packages the `packages` map of a version 3 lock file
 * @param {string} workspace folder of the workspace, such as `services/customer`
 * @param {{ os: string, cpu: string, libc: string }} [platform]
 * @returns {{ packages: string[], workspaces: string[] }} lock file keys, sorted; links are named by their target
 */
export function dependencyClosure(packages, workspace, platform = target) {
  if (packages[workspace] === undefined) {
    throw new Error(`package-lock.json knows no workspace ${workspace}`);
  }
  const seen = new Set();
  const waiting = [workspace];
  while (waiting.length > 0) {
    const at = waiting.pop();
    if (seen.has(at)) {
      continue;
    }
    seen.add(at);
    for (const { name, required } of wants(packages[at])) {
      const found = resolve(packages, at, name);
      if (found === undefined) {
        if (required) {
          throw new Error(`${at} needs ${name}, which package-lock.json does not hold`);
        }
        continue;
      }
      const entry = packages[found];
      const key = entry.link ? entry.resolved : found;
      if (required || suits(entry, platform)) {
        waiting.push(key);
      }
    }
  }
  const all = [...seen].sort();
  return {
    packages: all.filter((key) => key.includes('node_modules/')),
    workspaces: all.filter((key) => !key.includes('node_modules/')),
  };
}

function wants(entry) {
  const optionalPeer = (name) => entry.peerDependenciesMeta?.[name]?.optional === true;
  return [
    ...Object.keys(entry.dependencies ?? {})
      .filter((name) => entry.optionalDependencies?.[name] === undefined)
      .map((name) => ({ name, required: true })),
    ...Object.keys(entry.peerDependencies ?? {})
      .filter((name) => !optionalPeer(name))
      .map((name) => ({ name, required: true })),
    ...Object.keys(entry.optionalDependencies ?? {}).map((name) => ({
      name,
      required: false,
    })),
  ];
}

function resolve(packages, from, name) {
  let at = from;
  for (;;) {
    const key = at === '' ? `node_modules/${name}` : `${at}/node_modules/${name}`;
    if (packages[key] !== undefined) {
      return key;
    }
    if (at === '') {
      return undefined;
    }
    const cut = at.lastIndexOf('/node_modules/');
    at = cut >= 0 ? at.slice(0, cut) : '';
  }
}

function suits(entry, platform) {
  const allows = (list, value) =>
    list === undefined ||
    (list.includes(value) ? true : list.every((item) => item.startsWith('!') && item !== `!${value}`));
  return allows(entry.os, platform.os) && allows(entry.cpu, platform.cpu) && allows(entry.libc, platform.libc);
}

/** Reads the `packages` map of the lock file under `root`. */
export function readLock(root) {
  const file = join(root, 'package-lock.json');
  if (!existsSync(file)) {
    throw new Error(`${file} is missing: run npm install first`);
  }
  return JSON.parse(readFileSync(file, 'utf8')).packages;
}
