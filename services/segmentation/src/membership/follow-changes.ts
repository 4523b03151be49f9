import { setTimeout as sleep } from 'node:timers/promises';
import { type Database, everything, type Lease, leased, sql, type Tx } from '@rapport/kit/db';
import type { Running } from '@rapport/kit/runtime';
import { MembershipReason } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { dateMessage, dateText, today, versionName } from '../segment/segment.js';
import { type Change, publishByTrace, shareUse } from './changes.js';
import { look, type Match, type Rules, rulesInUse, type Used } from './look.js';
import { KNOWN_HOURS } from './sound.js';

interface Changed {
  party_id: string;
  change: bigint;
  traceparent: string | null;
}

/**
 * Parties looked at together, when so many wait. With a hundred rules a look costs ClickHouse 29 ms of CPU at one party,
 * 34 ms at 500 and 65 ms at 2,000.
 */
const BATCH = 2000;
/** From the beginning of a look to the next, while it is not behind: longer waits less often, and costs less. */
const PACE_MS = 150;
/** Between looks when nobody wakes it: the net under a lost poke, and how another process's changes are found. */
const POLL_MS = 500;
const SHARDS = 16;

async function takeChanged(db: Database, shards: readonly number[]): Promise<Changed[]> {
  return db.system.rows<Changed>(sql`
    SELECT party_id, change, traceparent FROM changed_party WHERE pending AND shard = ANY(${[...shards]}::smallint[])
    ORDER BY change_time LIMIT ${BATCH}`);
}

/** Whether this process still has the lease; one that slept through its loss has seen older facts than the next holder. */
async function isHeld(tx: Tx, { name, holder, epoch }: Lease): Promise<boolean> {
  const held = await tx.maybe(sql`
    SELECT name FROM kit.lease WHERE name = ${name} AND holder = ${holder} AND epoch = ${epoch} FOR SHARE`);
  return held !== undefined;
}

/** A membership that was there before. */
interface Known {
  party_id: string;
  segment_id: string;
  version: number;
  organisation_path: string;
  manager: string;
}

/** What has to change so that of these parties exactly those that match are in the versions looked at. */
async function difference(tx: Tx, parties: readonly string[], looked: readonly Used[], matches: readonly Match[]) {
  const known = await tx.rows<Known>(sql`
    SELECT party_id, segment_id, version, organisation_path, manager FROM membership
    WHERE party_id = ANY(${[...parties]}::uuid[])`);
  const versions = new Set(looked.map(({ row }) => versionName(row.segment_id, row.version)));
  const left = new Map<string, Known>(
    known.flatMap((row) => {
      const version = versionName(row.segment_id, row.version);
      return versions.has(version) ? [[`${row.party_id} ${version}`, row] as const] : [];
    }),
  );
  const coming: Match[] = [];
  const moved: Match[] = [];
  for (const match of matches) {
    const version = versionName(match.segmentId, match.version);
    if (!versions.has(version)) continue;
    const key = `${match.party} ${version}`;
    const row = left.get(key);
    left.delete(key);
    if (!row) coming.push(match);
    else if (row.organisation_path !== match.path || row.manager !== match.manager) moved.push(match);
  }
  return { coming, moved, leaving: [...left.values()] };
}

/** Matches as rows of a statement. */
const rowsOf = (matches: readonly Match[]) => sql`
  unnest(${matches.map(({ party }) => party)}::uuid[], ${matches.map(({ segmentId }) => segmentId)}::text[],
    ${matches.map(({ version }) => version)}::int[], ${matches.map(({ path }) => path)}::text[],
    ${matches.map(({ manager }) => manager)}::text[]) AS matched (party_id, segment_id, version, organisation_path, manager)`;

async function enter(tx: Tx, coming: readonly Match[], at: Date): Promise<Change[]> {
  if (coming.length === 0) return [];
  // Whoever was erased meanwhile waits for no look any more.
  return tx.rows<Change>(sql`
    INSERT INTO membership (party_id, segment_id, version, organisation_path, manager, enter_time)
    SELECT party_id, segment_id, version, organisation_path, manager, ${at} FROM ${rowsOf(coming)}
    WHERE EXISTS (SELECT FROM changed_party c WHERE c.party_id = matched.party_id)
    ON CONFLICT (party_id, segment_id, version) DO NOTHING
    RETURNING party_id, organisation_path, segment_id, version`);
}

async function move(tx: Tx, moved: readonly Match[]): Promise<void> {
  if (moved.length === 0) return;
  await tx.run(sql`
    UPDATE membership m SET organisation_path = matched.organisation_path, manager = matched.manager FROM ${rowsOf(moved)}
    WHERE m.party_id = matched.party_id AND m.segment_id = matched.segment_id AND m.version = matched.version`);
}

async function exit(tx: Tx, leaving: readonly Known[]): Promise<Change[]> {
  if (leaving.length === 0) return [];
  return tx.rows<Change>(sql`
    DELETE FROM membership m
    USING unnest(${leaving.map((row) => row.party_id)}::uuid[], ${leaving.map((row) => row.segment_id)}::text[],
      ${leaving.map(({ version }) => version)}::int[]) AS leaving (party_id, segment_id, version)
    WHERE m.party_id = leaving.party_id AND m.segment_id = leaving.segment_id AND m.version = leaving.version
    RETURNING m.party_id, m.organisation_path, m.segment_id, m.version`);
}

/** Keeps how many members each version has. */
async function count(tx: Tx, entered: readonly Change[], exited: readonly Change[]): Promise<void> {
  const grown = new Map<string, number>();
  for (const { segment_id: id } of entered) grown.set(id, (grown.get(id) ?? 0) + 1);
  for (const { segment_id: id } of exited) grown.set(id, (grown.get(id) ?? 0) - 1);
  const changed = [...grown].filter(([, by]) => by !== 0);
  if (changed.length === 0) return;
  await tx.run(sql`
    UPDATE segment_version v SET members = v.members + grown.by
    FROM unnest(${changed.map(([id]) => id)}::text[], ${changed.map(([, by]) => by)}::bigint[]) AS grown (segment_id, by)
    WHERE v.segment_id = grown.segment_id AND v.state = 3`);
}

/** Writes what was seen as membership: the difference, its events and the end of the wait, together or not at all. */
async function commit(
  deps: Deps,
  changed: readonly Changed[],
  { known, day }: Rules,
  { matches, looked }: { matches: readonly Match[]; looked: readonly Used[] },
  lease: Lease | undefined,
): Promise<void> {
  const parties = changed.map(({ party_id: party }) => party);
  const at = deps.clock.now();
  await deps.db.transaction(everything, async (tx) => {
    if (lease && !(await isHeld(tx, lease))) return;
    // Under these locks memberships change; whoever was retired meanwhile is left out.
    const locked = await tx.rows<{ segment_id: string; version: number; newer: boolean }>(sql`
      SELECT segment_id, version, as_of IS NULL AND pass_day > ${dateText(day)}::date AS newer FROM segment_version
      WHERE state = 3 AND segment_id = ANY(${looked.map(({ row }) => row.segment_id)}::text[])
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
    const inUse = looked.filter(({ row }) => still.has(versionName(row.segment_id, row.version)));
    const { coming, moved, leaving } = await difference(tx, parties, inUse, matches);
    const entered = await enter(tx, coming, at);
    await move(tx, moved);
    const exited = await exit(tx, leaving);
    await count(tx, entered, exited);
    await tx.run(sql`
      UPDATE changed_party c SET pending = false, evaluate_time = clock_timestamp()
      FROM unnest(${parties}::uuid[], ${changed.map(({ change }) => change)}::bigint[]) AS done (party_id, change)
      WHERE c.party_id = done.party_id AND c.change = done.change`);
    const asOf = new Map(inUse.map((one) => [one.row.segment_id, dateMessage(one.asOf)]));
    const facts = {
      reason: MembershipReason.MEMBERSHIP_REASON_EVENT,
      at,
      day: today(deps),
      asOf: (change: Change) => asOf.get(change.segment_id) ?? dateMessage(today(deps)),
    };
    const traceOf = new Map(changed.map(({ party_id: party, traceparent }) => [party, traceparent]));
    await publishByTrace(tx, entered, exited, facts, traceOf);
  });
}

/** Looks again at up to 2,000 parties whose facts changed. Gives how many there were. Safe to repeat and to kill. */
export async function followOnce(deps: Deps, shards: readonly number[], lease?: Lease): Promise<number> {
  const changed = await takeChanged(deps.db, shards);
  if (changed.length === 0) return 0;
  const rules = await rulesInUse(deps);
  const parties = changed.map(({ party_id: party }) => party);
  await commit(deps, changed, rules, await look(deps, parties, rules), lease);
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

/** Waits, but not after the signal, which may have come before. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) await sleep(ms, undefined, { signal }).catch(() => undefined);
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
        const began = performance.now();
        const looked = await followOnce(deps, shards, lease);
        if (looked === 0) await changes.next(POLL_MS, lease.signal);
        else if (looked < BATCH) await pause(PACE_MS - (performance.now() - began), lease.signal);
      }
    },
  });
}

/** Forgets parties that were looked at before any pass whose bitmaps are still compared with. */
export async function forgetFollowed(db: Database): Promise<void> {
  await db.system.run(sql`
    DELETE FROM changed_party WHERE NOT pending AND evaluate_time < now() - make_interval(hours => ${KNOWN_HOURS + 1})`);
}
