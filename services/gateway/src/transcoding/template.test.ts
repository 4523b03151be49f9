import { matchTemplate, parseTemplate, splitPath } from './template.js';

function match(template: string, path: string): Record<string, string> | undefined {
  const split = splitPath(path);
  const values = split && matchTemplate(parseTemplate(template), split);
  return values && Object.fromEntries(values);
}

test.each([
  ['/v1/parties', '/v1/parties', {}],
  ['/v1/{name=parties/*}', '/v1/parties/1', { name: 'parties/1' }],
  ['/v1/{name=parties/*/holdings/*}', '/v1/parties/1/holdings/2', { name: 'parties/1/holdings/2' }],
  ['/v1/{party.name=parties/*}', '/v1/parties/1', { 'party.name': 'parties/1' }],
  ['/v1/{name=parties/*}:view', '/v1/parties/1:view', { name: 'parties/1' }],
  ['/v1/parties:search', '/v1/parties:search', {}],
  ['/v1/{id}/x', '/v1/7/x', { id: '7' }],
  ['/v1/{name=files/**}', '/v1/files/a/b/c', { name: 'files/a/b/c' }],
  ['/v1/{name=segments/*}', '/v1/segments/rich%401', { name: 'segments/rich@1' }],
  ['/v1/{name=segments/*}', '/v1/segments/rich@1', { name: 'segments/rich@1' }],
  ['/v1/{name=segments/*}', '/v1/segments/a%3Ab', { name: 'segments/a:b' }],
])('%s takes %s', (template, path, values) => {
  expect(match(template, path)).toEqual(values);
});

test.each([
  ['/v1/{name=parties/*}', '/v1/parties'],
  ['/v1/{name=parties/*}', '/v1/parties/1/2'],
  ['/v1/{name=parties/*}', '/v1/parties/1:view'],
  ['/v1/{name=parties/*}:view', '/v1/parties/1'],
  ['/v1/{name=parties/*}:view', '/v1/parties/1%3Aview'],
  ['/v1/{name=parties/*}', '/v1/%70arties/1'],
])('%s does not take %s', (template, path) => {
  expect(splitPath(path)).toBeDefined();
  expect(match(template, path)).toBeUndefined();
});

test.each([
  '/v1/parties/..',
  '/v1/parties/%2e%2e',
  '/v1/parties/.%2E',
  '/v1/parties/a%2Fb',
  '/v1/parties/a%5cb',
  '/v1/parties/a%00',
  '/v1/parties/%0d%0a',
  '/v1//parties',
  '/v1/parties/',
  '/v1/parties/%zz',
  '/v1/parties/%ff',
  '/v1/parties/1:',
  'v1/parties',
])('refuses %s whatever the template', (path) => {
  expect(splitPath(path)).toBeUndefined();
});

test.each(['v1', '/v1/{Name}', '/v1/**/x', '/v1/x:', '/v1/{a={b}}', ''])('the template %s is refused', (template) => {
  expect(() => parseTemplate(template)).toThrow('template');
});
