import fc from 'fast-check';
import { covers, scopeFilter, within } from './scope.js';
import { sql, statementName } from './sql.js';

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

  it('takes no value for a fragment, whatever it looks like', () => {
    const forged = { ...sql`x`, text: 'DROP', name: '', values: [], pieces: ['DROP'], shape: { pieces: ['DROP'] } };
    expect(sql`SELECT ${forged}`.text).toBe('SELECT $1');
    expect(() => sql.join([forged])).toThrow('fragments');
  });

  // Two ways of putting together must never meet in one remembered statement.
  it('says the same as plain concatenation, whatever was put together before', () => {
    interface Part {
      made: ReturnType<typeof sql>;
      text: string;
      values: unknown[];
    }
    const value = fc.integer().map((number): Part => ({ made: sql`${number}`, text: '?', values: [number] }));
    const constant = fc
      .constantFrom('a', 'b', 'ab', '', 'a = ')
      .map((text): Part => ({ made: sql.raw(text), text, values: [] }));
    const { part } = fc.letrec<{ part: Part }>((tie) => ({
      part: fc.oneof(
        { depthSize: 'small' },
        value,
        constant,
        fc.tuple(tie('part'), tie('part')).map(
          ([one, two]): Part => ({
            made: sql`(${one.made}${two.made})`,
            text: `(${one.text}${two.text})`,
            values: [...one.values, ...two.values],
          }),
        ),
        fc.tuple(tie('part'), fc.integer()).map(
          ([one, number]): Part => ({
            made: sql`${one.made} < ${number}`,
            text: `${one.text} < ?`,
            values: [...one.values, number],
          }),
        ),
        fc.tuple(fc.array(tie('part'), { maxLength: 4 }), fc.constantFrom(', ', ' AND ')).map(
          ([parts, between]): Part => ({
            made: sql.join(
              parts.map((one) => one.made),
              between,
            ),
            text: parts.map((one) => one.text).join(between),
            values: parts.flatMap((one) => one.values),
          }),
        ),
      ),
    }));
    const numbered = (text: string): string => {
      let number = 0;
      return text.replaceAll('?', () => `$${++number}`);
    };
    fc.assert(
      fc.property(part, ({ made, text, values }) => {
        expect(made.text).toBe(numbered(text));
        expect(made.values).toEqual(values);
        expect(made.name).toBe(statementName(made.text));
      }),
      { numRuns: 2000 },
    );
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
    const household = sql`p.shared`;
    const team = scopeFilter({ kind: 'rows', team: ['staff/8'], household: 'staff/7' }, { ...columns, household });
    expect(team.text).toBe('(p.manager = ANY($1::text[]) OR p.shared)');
    expect(team.values).toEqual([['staff/8']]);
  });

  it('adds no rows for a relation that the query has no column for', () => {
    expect(filter({ kind: 'rows', household: 'staff/7', team: [] }).text).toBe('FALSE');
    expect(scopeFilter({ kind: 'rows', team: ['staff/7'] }, { path: 'org_path' }).text).toBe('FALSE');
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
    expect(within({ kind: 'rows', team: ['staff/8'] }, '/a', 'staff/8')).toBe(true);
    expect(within({ kind: 'rows', team: ['staff/8'] }, '/a', 'staff/7')).toBe(false);
    expect(within({ kind: 'rows', team: [''] }, '/a', '')).toBe(false);
    expect(within({ kind: 'rows', household: 'staff/7' }, '/a', 'staff/8', true)).toBe(true);
    expect(within({ kind: 'rows', household: 'staff/7' }, '/a', 'staff/8')).toBe(false);
    expect(within({ kind: 'rows' }, '/a', 'staff/8', true)).toBe(false);
  });

  it('knows what lies below a path', () => {
    expect(covers('/', '/a/b')).toBe(true);
    expect(covers('/a', '/a')).toBe(true);
    expect(covers('/a/b', '/a')).toBe(false);
  });
});
