// Finds dead exports: names that nobody uses, neither in another file nor in their own. The doors of kit and what is
// generated are left out. `check-exports.mjs [dir]` looks at another tree.
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseSync } from '@swc/core';

const tree = path.resolve(process.argv[2] ?? '.');
const skip = /(^|\/)(node_modules|dist|gen|fixtures)(\/|$)/;
const door =
  /^services\/kit\/src\/([^/]+\/index|telemetry\/start)\.ts$|^test\/kit\/index\.ts$|(^|\/)(main|vite\.config|prisma\.config)\.tsx?$/;
const files = globSync(['services/*/src/**/*.{ts,tsx}', 'test/**/*.ts'], {
  cwd: tree,
  exclude: (name) => skip.test(name),
})
  .filter((file) => !skip.test(file) && !file.endsWith('.d.ts'))
  .sort();
const known = new Set(files);

/** The file of ours that `specifier` names in `from`, or undefined. */
function resolve(from, specifier) {
  const kit = /^@rapport\/kit\/(.+)$/.exec(specifier);
  const base = kit
    ? `services/kit/src/${kit[1]}`
    : specifier === '@rapport/test/kit'
      ? 'test/kit/index.ts'
      : specifier.startsWith('.')
        ? path.posix.join(path.posix.dirname(from), specifier)
        : undefined;
  if (!base) return undefined;
  const bare = base.replace(/\.jsx?$/, '');
  return [base, `${bare}.ts`, `${bare}.tsx`, `${bare}/index.ts`, `${bare}/index.tsx`].find((file) => known.has(file));
}

const exportsOf = new Map();
const usesOf = new Map(files.map((file) => [file, new Set()]));
const textOf = (node) => node.value;

/** Records the use of `name` (`*` for all) of the file that `specifier` names. */
function use(from, specifier, name) {
  const target = resolve(from, specifier);
  if (target) usesOf.get(target).add(name);
}

/** Calls `visit` on every node below, whatever its kind. */
function walk(node, visit) {
  if (Array.isArray(node)) for (const item of node) walk(item, visit);
  else if (node && typeof node === 'object') {
    if (node.type) visit(node);
    for (const value of Object.values(node)) if (value && typeof value === 'object') walk(value, visit);
  }
}

const namesOf = (pattern) => {
  const names = [];
  walk(pattern, (node) => node.type === 'Identifier' && names.push(textOf(node)));
  return names;
};

function readStatement(file, item, names) {
  const source = item.source?.value;
  if (item.type === 'ImportDeclaration') {
    for (const part of item.specifiers) {
      if (part.type === 'ImportNamespaceSpecifier') use(file, source, '*');
      else if (part.type === 'ImportDefaultSpecifier') use(file, source, 'default');
      else use(file, source, textOf(part.imported ?? part.local));
    }
  } else if (item.type === 'ExportAllDeclaration') use(file, source, '*');
  else if (item.type === 'ExportNamedDeclaration') {
    for (const part of item.specifiers) {
      if (source) use(file, source, part.type === 'ExportNamespaceSpecifier' ? '*' : textOf(part.orig));
      const name = part.exported ?? part.orig ?? part.name;
      if (name) names.push(textOf(name));
    }
  } else if (item.type === 'ExportDeclaration') {
    const what = item.declaration;
    if (what.type === 'VariableDeclaration')
      for (const one of what.declarations) names.push(...namesOf({ ...one.id, typeAnnotation: undefined }));
    else names.push(textOf(what.identifier ?? what.id));
  } else if (item.type === 'ExportDefaultDeclaration' || item.type === 'ExportDefaultExpression') names.push('default');
}

for (const file of files) {
  const text = readFileSync(path.join(tree, file), 'utf8');
  const { body } = parseSync(text, { syntax: 'typescript', tsx: file.endsWith('.tsx'), target: 'es2024' });
  const names = [];
  for (const item of body) readStatement(file, item, names);
  exportsOf.set(file, { names, text });
  walk(body, (node) => {
    const dynamic =
      node.type === 'CallExpression' && (node.callee.type === 'Import' || node.callee.value === 'require');
    const mocked = node.type === 'TsImportType' ? node.argument?.value : undefined;
    const specifier = dynamic ? node.arguments[0]?.expression?.value : mocked;
    if (typeof specifier === 'string') use(file, specifier, '*');
  });
}

const dead = [];
for (const [file, { names, text }] of exportsOf) {
  const used = usesOf.get(file);
  if (door.test(file) || used.has('*')) continue;
  for (const name of names) {
    const here = text.split(new RegExp(`(?<![\\w$])${name.replaceAll('$', '\\$')}(?![\\w$])`)).length - 1;
    if (!used.has(name) && here < 2) dead.push(`${file}: ${name}`);
  }
}
for (const line of dead) console.error(`dead export: ${line}`);
console.log(`${files.length} files, ${dead.length} dead exports`);
if (dead.length > 0) process.exitCode = 1;
