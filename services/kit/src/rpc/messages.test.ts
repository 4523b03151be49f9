import { applyMask, checkEtag, decodePage, encodePage, etag, Failure, pageSize } from './index.js';
import { canonical } from './canonical.js';
import { callOf } from './rpc.testkit.js';

const list = callOf({}, 'rapport.probe.v1.ProbeService/ListProbes');
const other = callOf({}, 'rapport.probe.v1.ProbeService/SearchProbes');

function reasonOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof Failure) return `${error.kind} ${error.reason}`;
    throw error;
  }
  return 'no failure';
}

describe('page tokens', () => {
  const request = { filter: 'x', pageSize: 10, pageToken: '' };
  const values = [new Date('2024-02-29T10:00:00.123Z'), 'id-1', 9007199254740993n, 5];
  const pageToken = encodePage(list, request, values);

  test('give their values back, also with another page size', () => {
    const next = { ...request, pageSize: 20, pageToken };
    expect(decodePage(list, next, 'date', 'string', 'bigint', 'number')).toEqual(values);
    expect(decodePage(list, request, 'date')).toBeUndefined();
  });

  test('hold for their method and filters only', () => {
    const kinds = ['date', 'string', 'bigint', 'number'] as const;
    const refused = 'invalid PAGE_TOKEN_INVALID';
    expect(reasonOf(() => decodePage(other, { ...request, pageToken }, ...kinds))).toBe(refused);
    const filtered = { ...request, filter: 'y', pageToken };
    expect(reasonOf(() => decodePage(list, filtered, ...kinds))).toBe(refused);
    expect(reasonOf(() => decodePage(list, { ...request, pageToken }, 'date'))).toBe(refused);
    expect(reasonOf(() => decodePage(list, { ...request, pageToken: `${pageToken}A` }, ...kinds))).toBe(refused);
    expect(reasonOf(() => decodePage(list, { ...request, pageToken: 'garbage' }, ...kinds))).toBe(refused);
  });

  test('refuse values of the wrong kind', () => {
    for (const kind of ['number', 'bigint', 'date'] as const) {
      const forged = { ...request, pageToken: encodePage(list, request, ['1; DROP TABLE']) };
      expect(reasonOf(() => decodePage(list, forged, kind))).toBe('invalid PAGE_TOKEN_INVALID');
    }
  });

  test.each([
    ['date', '+275760-09-13T00:00:00.000Z'],
    ['date', '-000001-01-01T00:00:00.000Z'],
    ['date', '0000-12-31T00:00:00.000Z'],
    ['date', '1'],
    ['number', 'Infinity'],
    ['number', '1.5'],
    ['number', '2147483648'],
    ['number', ' 1'],
    ['bigint', '9223372036854775808'],
    ['bigint', '-9223372036854775809'],
  ] as const)('a forged %s %s, which Postgres would not take, is refused', (kind, value) => {
    const forged = { ...request, pageToken: encodePage(list, request, [value]) };
    expect(reasonOf(() => decodePage(list, forged, kind))).toBe('invalid PAGE_TOKEN_INVALID');
  });

  test.each([
    ['date', new Date(0)],
    ['date', new Date('0001-01-01')],
    ['number', -2147483648],
    ['bigint', -9223372036854775808n],
    ['bigint', 9223372036854775807n],
  ] as const)('a %s goes to its limit: %s', (kind, value) => {
    const next = { ...request, pageToken: encodePage(list, request, [value]) };
    expect(decodePage(list, next, kind)).toEqual([value]);
  });

  test('page sizes', () => {
    expect([0, 7, 1000, 5000].map((size) => pageSize({ pageSize: size }))).toEqual([50, 7, 1000, 1000]);
    expect(reasonOf(() => pageSize({ pageSize: -1 }))).toBe('invalid PAGE_SIZE_INVALID');
  });
});

describe('update masks', () => {
  interface Party {
    displayName: string;
    tags: string[];
    kind?:
      | { $case: 'person'; value: { givenName: string; birthYear: number } }
      | { $case: 'organisation'; value: { taxId: string } };
    address?: { street: string; city: string };
    etag: string;
  }
  const updatable = ['display_name', 'tags', 'person', 'organisation', 'address'];
  const current: Party = {
    displayName: 'Anna',
    tags: ['vip'],
    kind: { $case: 'person', value: { givenName: 'Anna', birthYear: 1970 } },
    etag: 'e',
  };
  const none: Party = { displayName: '', tags: [], etag: '' };

  test('only what the mask names changes', () => {
    const update: Party = { ...none, displayName: 'Eva', tags: ['x'] };
    expect(applyMask(current, update, ['display_name'], updatable)).toEqual({ ...current, displayName: 'Eva' });
    expect(applyMask(current, none, ['tags'], updatable)).toEqual({ ...current, tags: [] });
    expect(current.displayName).toBe('Anna');
  });

  test('a member of a oneof, and a field inside it', () => {
    const update: Party = { ...none, kind: { $case: 'person', value: { givenName: 'Eva', birthYear: 0 } } };
    expect(applyMask(current, update, ['person.given_name'], updatable).kind).toEqual({
      $case: 'person',
      value: { givenName: 'Eva', birthYear: 1970 },
    });
    expect(applyMask(current, update, ['person'], updatable).kind).toEqual(update.kind);
    expect(reasonOf(() => applyMask(current, update, ['organisation.tax_id'], updatable))).toBe(
      'invalid UPDATE_MASK_INVALID',
    );
  });

  test('a message that was not there is made', () => {
    const update: Party = { ...none, address: { street: 'Dlouhá', city: 'Praha' } };
    expect(applyMask(current, update, ['address'], updatable).address).toEqual(update.address);
  });

  test('without a mask the set fields count, with * all of them', () => {
    const update: Party = { ...none, displayName: 'Eva' };
    expect(applyMask(current, update, [], updatable)).toEqual({ ...current, displayName: 'Eva' });
    expect(applyMask(current, update, ['*'], ['display_name', 'tags'])).toEqual({
      ...current,
      displayName: 'Eva',
      tags: [],
    });
  });

  test('other fields are refused', () => {
    for (const path of ['etag', 'nonsense', '__proto__', 'display_name_2', 'constructor.prototype']) {
      expect(reasonOf(() => applyMask(current, none, [path], updatable))).toBe('invalid UPDATE_MASK_INVALID');
    }
  });
});

test('an etag changes with its parts and a stale one is ABORTED', () => {
  const now = etag('parties/1', 3);
  expect(etag('parties/1', 3)).toBe(now);
  expect(etag('parties/1', 4)).not.toBe(now);
  expect(reasonOf(() => checkEtag(now, now))).toBe('no failure');
  expect(reasonOf(() => checkEtag('', now))).toBe('no failure');
  expect(reasonOf(() => checkEtag('"old"', now))).toBe('conflict ETAG_MISMATCH');
});

test('canonical text ignores order and keeps unlike values apart', () => {
  expect(canonical({ b: 1, a: { d: 2n, c: undefined } })).toBe(canonical({ a: { d: 2n }, b: 1 }));
  const unlike = ['1', 1, 1n, '1n', new Date(1), '@1', Buffer.from('1'), '#MQ==', [1], null];
  expect(new Set(unlike.map((value) => canonical(value))).size).toBe(unlike.length);
});
