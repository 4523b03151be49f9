import { covers, scopeFilter, within } from './scope.js';
import { sql } from './sql.js';

describe('sql', () => {
  it('numbers values and splices fragments in order', () => {
    const condition = sql`b = ${2} AND c = ${'three'}`;
    const query = sql`SELECT ${1}::int FROM t WHERE ${condition} OR d = ANY(${[4]})`;
    expect(query.text).toBe('SELECT $1::int FROM t WHERE b = $2 AND c = $3 OR d = ANY($4)');
    expect(query.values).toEqual([1, 2, 'three', [4]]);
  });

  it('never lets a value into the text', () => {
    const evil = "'; DROP TABLE party; --";
    const query = sql`SELECT * FROM t WHERE name = ${evil} AND x = ${{ text: evil }}`;
    expect(query.text).not.toContain('DROP');
    expect(query.values).toEqual([evil, { text: evil }]);
  });

  it('joins fragments, raw constants and nothing', () => {
    const list = sql.join([sql`${1}`, sql`${2}`, sql.raw('now()')]);
    expect(sql`INSERT INTO t VALUES (${list})${sql.empty}`.text).toBe('INSERT INTO t VALUES ($1, $2, now())');
    expect(sql`a${sql.join([], ' AND ')}b`.text).toBe('ab');
  });

  it('names a statement by its text', () => {
    const of = (id: number) => sql`SELECT * FROM t WHERE id = ${id}`;
    expect(of(1).name).toBe(of(2).name);
    expect(of(1).name).toMatch(/^r_[0-9a-f]{24}$/);
    expect(sql`SELECT 1`.name).not.toBe(sql`SELECT 2`.name);
  });
});

describe('scopeFilter', () => {
  const columns = { path: 'p.org_path', manager: 'p.manager' };
  const filter = (scope: Parameters<typeof scopeFilter>[0]) => scopeFilter(scope, columns);

  it('keeps all, none, or the rows of each relation', () => {
    expect(filter({ kind: 'everything' }).text).toBe('TRUE');
    expect(filter({ kind: 'nothing' }).text).toBe('FALSE');
    expect(filter({ kind: 'rows' }).text).toBe('FALSE');
    expect(filter({ kind: 'rows', subtree: '' }).text).toBe('FALSE');
    expect(filter({ kind: 'rows', subtree: '/' }).text).toBe('TRUE');
    const both = filter({ kind: 'rows', subtree: '/berka/prague', own: 'staff/7' });
    expect(both.text).toBe('((p.org_path = $1 OR starts_with(p.org_path, $2)) OR p.manager = $3)');
    expect(both.values).toEqual(['/berka/prague', '/berka/prague/', 'staff/7']);
  });

  it('adds no rows for a relation that the query has no column for', () => {
    expect(filter({ kind: 'rows', household: true, team: true }).text).toBe('FALSE');
    expect(scopeFilter({ kind: 'rows', own: 'staff/7' }, { path: 'org_path' }).text).toBe('FALSE');
  });

  it('takes no column name that is more than a name', () => {
    expect(() => scopeFilter({ kind: 'rows', branch: '/a' }, { path: 'a; DROP TABLE t' })).toThrow('column');
  });
});

describe('within', () => {
  it('says in memory what the filter says in SQL', () => {
    expect(within({ kind: 'everything' }, '/a')).toBe(true);
    expect(within({ kind: 'nothing' }, '/a')).toBe(false);
    expect(within({ kind: 'rows' }, '/a')).toBe(false);
    expect(within({ kind: 'rows', subtree: '' }, '/a')).toBe(false);
    expect(within({ kind: 'rows', subtree: '/a' }, '/a/b')).toBe(true);
    expect(within({ kind: 'rows', subtree: '/a' }, '/ab')).toBe(false);
    expect(within({ kind: 'rows', branch: '/a' }, '/a')).toBe(true);
    expect(within({ kind: 'rows', branch: '/a' }, '/a/b')).toBe(false);
    expect(within({ kind: 'rows', own: 'staff/7' }, '/a', 'staff/7')).toBe(true);
    expect(within({ kind: 'rows', own: 'staff/7' }, '/a', 'staff/8')).toBe(false);
    expect(within({ kind: 'rows', own: 'staff/7' }, '/a')).toBe(false);
    expect(within({ kind: 'rows', own: '' }, '/a', '')).toBe(false);
  });

  it('knows what lies below a path', () => {
    expect(covers('/', '/a/b')).toBe(true);
    expect(covers('/a', '/a')).toBe(true);
    expect(covers('/a/b', '/a')).toBe(false);
  });
});
