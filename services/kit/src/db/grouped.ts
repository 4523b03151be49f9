import type { Scope } from './scope.js';
import type { GroupedRead, Queryable } from './types.js';

/** Keys in one statement; when as many wait, the next statement does not wait for the one under way. */
const MOST_KEYS = 200;

interface Group<Row> {
  waiting: { key: string; done: (row: Row | undefined) => void; failed: (error: unknown) => void }[];
  /** Statements that were sent, or will be in this turn, and have no answer yet. */
  underWay: number;
}

const keys = new WeakMap<Scope, string>();

/** Everything that a scope says: whoever reads through scopes of one key sees the same rows. */
function scopeKey(scope: Scope): string {
  const key = keys.get(scope) ?? JSON.stringify(Object.entries(scope).sort());
  keys.set(scope, key);
  return key;
}

function groupsOf<Row>(read: GroupedRead<Row>, scoped: (scope: Scope) => Queryable) {
  const groups = new Map<string, Group<Row>>();
  const { most = MOST_KEYS } = read;

  async function answer(scope: Scope, group: Group<Row>): Promise<void> {
    const batch = group.waiting.splice(0, most);
    // The statement of the same turn before this one took them all.
    if (batch.length === 0) return;
    try {
      const asked = [...new Set(batch.map(({ key }) => key))];
      const rows = await scoped(scope).rows<Row>(read.query(asked, scope));
      const found = new Map(rows.map((row) => [read.key(row), row]));
      for (const { key, done } of batch) done(found.get(key));
    } catch (error) {
      for (const { failed } of batch) failed(error);
    }
  }

  function start(name: string, scope: Scope, group: Group<Row>): void {
    group.underWay += 1;
    // One turn of the event loop: calls that arrived together share the first statement too.
    setImmediate(() => {
      void answer(scope, group).then(() => {
        group.underWay -= 1;
        if (group.waiting.length > 0) start(name, scope, group);
        else if (group.underWay === 0) groups.delete(name);
      });
    });
  }

  return (scope: Scope, key: string): Promise<Row | undefined> => {
    const name = scopeKey(scope);
    const group = groups.get(name) ?? { waiting: [], underWay: 0 };
    groups.set(name, group);
    return new Promise((done, failed) => {
      group.waiting.push({ key, done, failed });
      if (group.underWay === 0 || group.waiting.length % most === 0) start(name, scope, group);
    });
  };
}

/**
 * Reads by key for calls that arrive together: while one statement is under way, the keys of all other calls with the
 * same scope gather for the next. A busy service so sends one statement for many calls, and an idle one waits for
 * nothing. Every call sees what was committed when it asked, because its statement is sent afterwards; calls that ask
 * for one key get one object between them. When a statement fails, all the calls in it do.
 */
export function groupedReads(
  scoped: (scope: Scope) => Queryable,
): <Row>(scope: Scope, read: GroupedRead<Row>, key: string) => Promise<Row | undefined> {
  const kinds = new WeakMap<object, unknown>();
  return <Row>(scope: Scope, read: GroupedRead<Row>, key: string) => {
    const groups = (kinds.get(read) as ReturnType<typeof groupsOf<Row>> | undefined) ?? groupsOf(read, scoped);
    kinds.set(read, groups);
    return groups(scope, key);
  };
}
