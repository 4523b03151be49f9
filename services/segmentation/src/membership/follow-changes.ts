import { covers, type Database, everything, type Lease, leased, sql, type Tx } from '@rapport/kit/db';
import { logger, type Running } from '@rapport/kit/runtime';
import { span } from '@rapport/kit/telemetry';
import { MembershipReason } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { anyMerged } from '../merge/merge.js';
import { compileRules, type DayNumber, type Rule, type SegmentRules } from '../rule/rule.js';
import {
  dateMessage,
  dateText,
  dayOf,
  today,
  type VersionRow,
  versionName,
  versionRows,
  readInUse,
} from '../segment/segment.js';
import { type Change, publishChanges, shareUse } from './changes.js';
import { eachSound, KNOWN_HOURS } from './sound.js';

interface Changed {
  party_id: string;
  change: bigint;
  traceparent: string | null;
}

/** A version in use with what is evaluated of it. */
interface Used {
  row: VersionRow;
  rule: Rule;
  asOf: DayNumber;
}

/** A party of a batch as facts know it, and one 0 or 1 for each version. */
interface Seen {
  party: string;
  path: string;
  manager: string;
  hits: number[];
}

/** Parties looked at together. */
const BATCH = 500;
/** Rules in one statement. */
const RULES = 100;
/** Between looks when nobody wakes it: the net under a lost poke, and how another process's changes are found. */
const POLL_MS = 500;
const SHARDS = 16;

async function takeChanged(db: Database, shards: readonly number[]): Promise<Changed[]> {
  return db.system.rows<Changed>(sql`
    SELECT party_id, change, traceparent FROM changed_party WHERE pending AND shard = ANY(${[...shards]}::smallint[])
    ORDER BY change_time LIMIT ${BATCH}`);
}

async function versionsInUse(
  deps: Deps,
): Promise<{ used: Used[]; known: VersionRow[]; segments: SegmentRules; day: DayNumber }> {
  const known = await deps.db.system.rows<VersionRow>(sql`${versionRows} WHERE v.state = 3 ORDER BY v.segment_id`);
  const { used, segments, unsound } = readInUse(known);
  for (const { row, problem } of unsound) {
    // The catalogue no longer knows what the rule speaks of: its members stay as they are.
    logger.error({ segment: versionName(row.segment_id, row.version), reason: problem.reason }, 'a rule is unsound');
  }
  // Days do not go back: what a pass has found for its day is not looked at for an earlier one.
  const { passed } = await deps.db.system.one<{ passed: string | null }>(sql`
    SELECT max(pass_day) AS passed FROM segment_version WHERE state = 3 AND as_of IS NULL`);
  const day = Math.max(today(deps), dayOf(passed) ?? 0);
  return { used: used.map(({ row, rule }) => ({ row, rule, asOf: dayOf(row.as_of) ?? day })), known, segments, day };
}

/**
 * Runs every rule over the parties, in as few statements as possible. Gives the parties as facts know them, and the rules
 * that could be run.
 */
async function look(
  { analytics, db, zone }: Deps,
  parties: readonly string[],
  used: readonly Used[],
  segments: SegmentRules,
): Promise<{ seen: Map<string, Seen>; looked: Used[] }> {
  const seen = new Map<string, Seen>();
  const looked: Used[] = [];
  const merged = await anyMerged(db.system);
  for (let start = 0; start < used.length; start += RULES) {
    await eachSound(used.slice(start, start + RULES), async (rules) => {
      const { from, conditions, parameters } = compileRules(rules, zone, { restricted: true, merged, segments });
      const hits = conditions.map((condition) => `toUInt8(${condition})`).join(', ');
      const rows = await analytics.query<Seen>(
        `SELECT toString(p.party) AS party, p.organisation_path AS path, p.manager AS manager, [${hits}] AS hits FROM ${from}`,
        { ...parameters, parties },
      );
      for (const row of rows) {
        const known = seen.get(row.party) ?? { ...row, hits: [] };
        // A party that came between two statements has missed the first ones; it is marked as changed again anyway.
        while (known.hits.length < looked.length) known.hits.push(0);
        known.hits.push(...row.hits);
        seen.set(row.party, known);
      }
      looked.push(...rules);
    });
  }
  return { seen, looked };
}

/** Who is in which version by what was seen, as columns. */
function matchesOf(used: readonly Used[], seen: Map<string, Seen>) {
  const matches: { party: string; path: string; manager: string; segmentId: string; version: number }[] = [];
  for (const { party, path, manager, hits } of seen.values()) {
    used.forEach(({ row }, index) => {
      if (!hits[index] || !covers(row.organisation_path, path)) return;
      matches.push({ party, path, manager, segmentId: row.segment_id, version: row.version });
    });
  }
  return matches;
}

/** Publishes each party's changes in the trace of what changed it. */
async function publishByTrace(
  tx: Tx,
  changed: readonly Changed[],
  entered: readonly Change[],
  exited: readonly Change[],
  facts: Parameters<typeof publishChanges>[3],
): Promise<void> {
  const traceOf = new Map(changed.map(({ party_id: party, traceparent }) => [party, traceparent ?? '']));
  const traceparents = new Set([...exited, ...entered].map(({ party_id: party }) => traceOf.get(party) ?? ''));
  for (const traceparent of traceparents) {
    const ofTrace = (changes: readonly Change[]) =>
      changes.filter(({ party_id: party }) => (traceOf.get(party) ?? '') === traceparent);
    const publish = () => publishChanges(tx, ofTrace(entered), ofTrace(exited), facts);
    if (traceparent === '') await publish();
    else await span('change membership', {}, publish, { kind: 'consumer', parent: traceparent });
  }
}

/** Whether this process still has the lease; one that slept through its loss has seen older facts than the next holder. */
async function isHeld(tx: Tx, { name, holder, epoch }: Lease): Promise<boolean> {
  const held = await tx.maybe(sql`
    SELECT name FROM kit.lease WHERE name = ${name} AND holder = ${holder} AND epoch = ${epoch} FOR SHARE`);
  return held !== undefined;
}

/** Writes what was seen as membership: the difference, its events and the end of the wait, together or not at all. */
async function commit(
  deps: Deps,
  changed: readonly Changed[],
  { used, known, day }: { used: readonly Used[]; known: readonly VersionRow[]; day: DayNumber },
  seen: Map<string, Seen>,
  lease: Lease | undefined,
): Promise<void> {
  const parties = changed.map(({ party_id: party }) => party);
  const at = deps.clock.now();
  await deps.db.transaction(everything, async (tx) => {
    if (lease && !(await isHeld(tx, lease))) return;
    // Under these locks memberships change; whoever was retired meanwhile is left out.
    const locked = await tx.rows<{ segment_id: string; version: number; newer: boolean }>(sql`
      SELECT segment_id, version, as_of IS NULL AND pass_day > ${dateText(day)}::date AS newer FROM segment_version
      WHERE state = 3 AND segment_id = ANY(${used.map(({ row }) => row.segment_id)}::text[])
      ORDER BY segment_id, version FOR UPDATE`);
    // A pass for a later day has begun since: then for that day once more.
    if (locked.some(({ newer }) => newer)) return;
    // A version that came into use since has not been looked at: then all of it once more.
    await shareUse(tx);
    const { others } = await tx.one<{ others: boolean }>(sql`
      SELECT EXISTS (SELECT FROM segment_version v WHERE v.state = 3 AND NOT EXISTS (
        SELECT FROM unnest(${known.map((row) => row.segment_id)}::text[], ${known.map((row) => row.version)}::int[])
          AS known (segment_id, version)
        WHERE (known.segment_id, known.version) = (v.segment_id, v.version))) AS others`);
    if (others) return;
    const still = new Set(locked.map((row) => versionName(row.segment_id, row.version)));
    const matches = matchesOf(used, seen).filter((match) => still.has(versionName(match.segmentId, match.version)));
    const looked = used.filter(({ row }) => still.has(versionName(row.segment_id, row.version)));
    const matched = sql`unnest(${matches.map(({ party }) => party)}::uuid[],
      ${matches.map(({ segmentId }) => segmentId)}::text[], ${matches.map(({ version }) => version)}::int[],
      ${matches.map(({ path }) => path)}::text[], ${matches.map(({ manager }) => manager)}::text[])
      AS matched (party_id, segment_id, version, organisation_path, manager)`;
    const entered = await tx.rows<Change>(sql`
      INSERT INTO membership (party_id, segment_id, version, organisation_path, manager, enter_time)
      SELECT party_id, segment_id, version, organisation_path, manager, ${at} FROM ${matched}
      WHERE EXISTS (SELECT FROM changed_party c WHERE c.party_id = matched.party_id)
      ON CONFLICT (party_id, segment_id, version) DO NOTHING
      RETURNING party_id, organisation_path, segment_id, version`);
    await tx.run(sql`
      UPDATE membership m SET organisation_path = matched.organisation_path, manager = matched.manager FROM ${matched}
      WHERE (m.party_id, m.segment_id, m.version) = (matched.party_id, matched.segment_id, matched.version)
        AND (m.organisation_path, m.manager) <> (matched.organisation_path, matched.manager)`);
    const exited = await tx.rows<Change>(sql`
      DELETE FROM membership m
      USING unnest(${looked.map(({ row }) => row.segment_id)}::text[], ${looked.map(({ row }) => row.version)}::int[])
        AS looked (segment_id, version)
      WHERE m.party_id = ANY(${parties}::uuid[]) AND m.segment_id = looked.segment_id AND m.version = looked.version
        AND NOT EXISTS (SELECT FROM ${matched} WHERE (matched.party_id, matched.segment_id, matched.version)
          = (m.party_id, m.segment_id, m.version))
      RETURNING m.party_id, m.organisation_path, m.segment_id, m.version`);
    for (const { row } of looked) {
      const own = (changes: readonly Change[]) => changes.filter((one) => one.segment_id === row.segment_id).length;
      const difference = own(entered) - own(exited);
      if (difference === 0) continue;
      await tx.run(sql`UPDATE segment_version SET members = members + ${difference}
        WHERE segment_id = ${row.segment_id} AND version = ${row.version}`);
    }
    await tx.run(sql`
      UPDATE changed_party c SET pending = false, evaluate_time = clock_timestamp()
      FROM unnest(${parties}::uuid[], ${changed.map(({ change }) => change)}::bigint[]) AS done (party_id, change)
      WHERE c.party_id = done.party_id AND c.change = done.change`);
    const asOf = new Map(used.map((one) => [one.row.segment_id, dateMessage(one.asOf)]));
    await publishByTrace(tx, changed, entered, exited, {
      reason: MembershipReason.MEMBERSHIP_REASON_EVENT,
      at,
      day: today(deps),
      asOf: (change) => asOf.get(change.segment_id) ?? dateMessage(today(deps)),
    });
  });
}

/** Looks again at up to 500 parties whose facts changed. Gives how many there were. Safe to repeat and to kill. */
export async function followOnce(deps: Deps, shards: readonly number[], lease?: Lease): Promise<number> {
  const changed = await takeChanged(deps.db, shards);
  if (changed.length === 0) return 0;
  const { used, known, segments, day } = await versionsInUse(deps);
  const parties = changed.map(({ party_id: party }) => party);
  const { seen, looked } = await look(deps, parties, used, segments);
  await commit(deps, changed, { used: looked, known, day }, seen, lease);
  return changed.length;
}

/** Tells the followers of this process that there is something to look at. */
export interface Changes {
  changed(): void;
  /** Waits for the next call of `changed`, at most `ms`, and not after the signal. */
  next(ms: number, signal: AbortSignal): Promise<void>;
}

/** Makes the link between the consumer of facts and the followers. */
export function createChanges(): Changes {
  let waiting: (() => void)[] = [];
  let count = 0;
  const heard = new WeakMap<AbortSignal, number>();
  return {
    changed: () => {
      count += 1;
      const woken = waiting;
      waiting = [];
      for (const wake of woken) wake();
    },
    next: async (ms, signal) => {
      // A call that came while the follower was at work counts.
      if (!signal.aborted && heard.get(signal) === count) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          const done = () => {
            clearTimeout(timer);
            signal.removeEventListener('abort', done);
            resolve();
          };
          waiting.push(done);
          signal.addEventListener('abort', done);
        });
      }
      heard.set(signal, count);
    },
  };
}

/**
 * Keeps the members of published versions right as facts change. Every process may start it: the parties are spread
 * over leases, `workers` of them.
 */
export function followChanges(deps: Deps, changes: Changes, workers: number): Running {
  const shardsOf = new Map(
    Array.from({ length: workers }, (_, worker) => [
      `follow/${worker}of${workers}`,
      Array.from({ length: SHARDS }, (_, shard) => shard).filter((shard) => shard % workers === worker),
    ]),
  );
  return leased({
    db: deps.db,
    group: 'follow',
    names: [...shardsOf.keys()],
    work: async (lease) => {
      const shards = shardsOf.get(lease.name) ?? [];
      while (!lease.signal.aborted) {
        const looked = await followOnce(deps, shards, lease);
        if (looked === 0) await changes.next(POLL_MS, lease.signal);
      }
    },
  });
}

/** Forgets parties that were looked at before any pass whose bitmaps are still compared with. */
export async function forgetFollowed(db: Database): Promise<void> {
  await db.system.run(sql`
    DELETE FROM changed_party WHERE NOT pending AND evaluate_time < now() - make_interval(hours => ${KNOWN_HOURS + 1})`);
}
