import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseSync } from '@swc/core';
import { en } from './en.js';
import { refusals, wrongInChinese } from './refusals.zh.js';
import { zh } from './zh.js';

const source = path.join(__dirname, '..');
const files = globSync('**/*.{ts,tsx}', { cwd: source }).filter((file) => !/\.test\.ts$|^i18n\//.test(file));

function keys(words: object, prefix = ''): string[] {
  return Object.entries(words).flatMap(([key, value]) =>
    typeof value === 'string' ? [`${prefix}${key}`] : keys(value as object, `${prefix}${key}.`),
  );
}
const text = (words: object, key: string): unknown =>
  key.split('.').reduce<unknown>((at, step) => (at as Record<string, unknown>)?.[step], words);
const placeholders = (value: unknown): string[] =>
  [...String(value).matchAll(/\{\{(\w+)\}\}/g)].map(([, name = '']) => name);

it('both languages have the same words, none empty', () => {
  expect(keys(zh).sort()).toEqual(keys(en).sort());
  const empty = keys(en).filter((key) => text(en, key) === '' || text(zh, key) === '');
  expect(empty).toEqual([]);
});

it('both languages fill in the same values', () => {
  const different = keys(en).filter(
    (key) => placeholders(text(en, key)).sort().join() !== placeholders(text(zh, key)).sort().join(),
  );
  expect(different).toEqual([]);
});

it('every key that is used exists', () => {
  const sections = Object.keys(en).filter((section) => section !== 'enums' && section !== 'codes');
  const pattern = new RegExp(`'((?:${sections.join('|')})\\.[A-Za-z0-9.]+)'`, 'g');
  const used = files.flatMap((file) =>
    [...readFileSync(path.join(source, file), 'utf8').matchAll(pattern)].map(([, key = '']) => key),
  );
  expect(used.length).toBeGreaterThan(200);
  const attributes = new Set(['party.name', 'party.age']);
  expect(used.filter((key) => typeof text(en, key) !== 'string' && !attributes.has(key))).toEqual([]);
});

interface Node {
  type?: string;
  value?: unknown;
  name?: { value?: unknown };
}

/** What a page would say in one language only: words between tags, and in attributes that are read. */
function hardCoded(file: string): string[] {
  const found: string[] = [];
  const read =
    /^(title|label|placeholder|alt|aria-label|description|message|extra|okText|cancelText|subTitle|tooltip)$/;
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) {
      for (const one of node) visit(one);
      return;
    }
    if (!node || typeof node !== 'object') return;
    const { type, value, name } = node as Node;
    if (type === 'JSXText' && /\p{L}{2,}/u.test(String(value))) found.push(`${file}: ${String(value).trim()}`);
    if (type === 'JSXAttribute' && read.test(String(name?.value))) {
      const literal = (value as Node | undefined)?.type === 'StringLiteral' ? (value as Node).value : '';
      if (/\p{L}/u.test(String(literal))) found.push(`${file}: ${String(name?.value)}="${String(literal)}"`);
    }
    for (const child of Object.values(node)) visit(child);
  };
  visit(parseSync(readFileSync(path.join(source, file), 'utf8'), { syntax: 'typescript', tsx: true }).body);
  return found;
}

it('no page says anything that is not among the words', () => {
  const pages = files.filter((file) => file.endsWith('.tsx'));
  expect(pages.length).toBeGreaterThan(20);
  expect(pages.flatMap(hardCoded)).toEqual([]);
});

const root = path.join(source, '../../..');

it('both languages have a sentence for everything that the contact gate finds and decides', () => {
  const proto = readFileSync(path.join(root, 'proto/rapport/marketing/v1/delivery.proto'), 'utf8');
  const named = (prefix: string): string[] =>
    [...proto.matchAll(new RegExp(`^  ${prefix}_([A-Z_]+) = [1-9]`, 'gm'))].map(([, name = '']) => name);
  expect(Object.keys(en.gate.findings).sort()).toEqual(named('GATE_FINDING_CODE').sort());
  expect(Object.keys(en.gate.reasons).sort()).toEqual(named('DELIVERY_REASON').sort());
});

it('Chinese has a sentence for every reason for which a service that the console shows refuses', () => {
  const reasons = globSync('services/{customer,marketing,cases,performance,reporting,segmentation}/src/errors.ts', {
    cwd: root,
  }).flatMap((file) =>
    [...readFileSync(path.join(root, file), 'utf8').matchAll(/^  ([A-Z][A-Z_]+): \{/gm)].map(
      ([, reason = '']) => reason,
    ),
  );
  expect(reasons.length).toBeGreaterThan(150);
  expect([...new Set(reasons)].filter((reason) => !refusals[reason])).toEqual([]);
  expect(Object.values(refusals).filter((text) => !/\p{Script=Han}/u.test(text))).toEqual([]);
});

it.each([
  ['value is required', '必填'],
  ['value length must be at most 40 characters', '最多 40 个字符'],
  ['value must be greater than or equal to 1 and less than or equal to 100', '须在 1 与 100 之间'],
  ['lies in the future', '在未来'],
  ['something that nobody has translated', 'something that nobody has translated'],
])('says of a field that %s in Chinese', (english, chinese) => expect(wrongInChinese(english)).toBe(chinese));
