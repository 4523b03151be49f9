import type { Scope } from './scope.js';
import type { GroupedRead, Queryable } from './types.js';

/** Keys in one statement; when as many wait, the next statement does not wait for the one under way. */
const MOST_KEYS = 200;
/** After a statement for so many calls the next gathers for a moment. Fewer callers would wait for nobody. */
const BUSY_CALLS = 4;
/** That moment in milliseconds. */
const GATHER_MS = 1;
/** Scopes whose groups are kept when nobody waits in them. */
const MOST_GROUPS = 1000;

interface Group<Row> {
  waiting: { key: string; done: (row: Row | undefined) => void; failed: (error: unknown) => void }[];
  /** Statements that were sent, or will be in this turn, and have no answer yet, or end with a pause. */
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

  async function answer(scope: Scope, group: Group<Row>): Promise<number> {
    const batch = group.waiting.splice(0, most);
    // The statement of the same turn before this one took them all.
    if (batch.length === 0) return 0;
    try {
      const asked = [...new Set(batch.map(({ key }) => key))];
      const rows = await scoped(scope).rows<Row>(read.query(asked, scope));
      const found = new Map(rows.map((row) => [read.key(row), row]));
      for (const { key, done } of batch) done(found.get(key));
    } catch (error) {
      for (const { failed } of batch) failed(error);
    }
    return batch.length;
  }

  function goOn(scope: Scope, group: Group<Row>): void {
    group.underWay -= 1;
    if (group.waiting.length > 0) start(scope, group);
  }

  function start(scope: Scope, group: Group<Row>): void {
    group.underWay += 1;
    // One turn of the event loop: calls that arrived together share the first statement too.
    setImmediate(() => {
      void answer(scope, group).then((calls) => {
        if (calls < BUSY_CALLS) goOn(scope, group);
        else setTimeout(goOn, GATHER_MS, scope, group);
      });
    });
  }

  /** A scope's group stays for its next calls: taken out and put in again with each, it would outgrow table after table. */
  function newGroup(name: string): Group<Row> {
    if (groups.size >= MOST_GROUPS) {
      for (const [one, { underWay, waiting }] of groups) if (underWay === 0 && waiting.length === 0) groups.delete(one);
    }
    const group = { waiting: [], underWay: 0 };
    groups.set(name, group);
    return group;
  }

  return (scope: Scope, key: string): Promise<Row | undefined> => {
    const name = scopeKey(scope);
    const group = groups.get(name) ?? newGroup(name);
    return new Promise((done, failed) => {
      group.waiting.push({ key, done, failed });
      if (group.underWay === 0 || group.waiting.length % most === 0) start(scope, group);
    });
  };
}

/**
 * Reads by key for calls that arrive together: while one statement is under way, the keys of all other calls with the
 * same scope gather for the next, and where many came together, for a millisecond more: calls dribble in, and a statement
 * costs this process and Postgres some 60 µs each whatever it asks for. A busy service so sends one statement for many
 * calls, and an idle one waits for nothing. Every call sees what was committed when it asked, because its statement is sent afterwards; calls that ask
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
