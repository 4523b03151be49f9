import { setTimeout as sleep } from 'node:timers/promises';
import { everything, sql, type Tx } from '@rapport/kit/db';
import { logger } from '@rapport/kit/runtime';
import type { Deps } from '../deps.js';
import { anyMerged } from '../merge/merge.js';
import { compileRules, type DayNumber, type Rule, type SegmentRules } from '../rule/rule.js';
import { dateText, dayOf, readInUse, today, type VersionRow, versionName, versionRows } from '../segment/segment.js';
import {
  addNumbers,
  collecting,
  countChanges,
  dropPasses,
  findChanges,
  foldNumbers,
  knownBitmaps,
  nextSlice,
  type Slice,
  underPaths,
} from './bitmaps.js';
import { numberParties } from './party-number.js';
import { partyRanges } from './party-range.js';
import { eachSound, KNOWN_HOURS } from './sound.js';
import { applySlice, type Changed, type Passed } from './slice.js';

/** What a pass did with a version. */
export interface Outcome extends Changed {
  asOf: DayNumber;
  /** What the rules of the pass took in ClickHouse, all together. */
  sqlMs: number;
}

interface Begun {
  pass: bigint;
  /** The database's time at which every look that ended before is in `membership`. */
  since: Date;
  versions: (Passed & { row: VersionRow; before: bigint | undefined; beforeSince: Date | undefined })[];
}

/** Rules in one statement. */
const RULES = 100;
/** Changes that are written in one transaction, on average. */
const CHANGES = 20_000;
/** Parties that are read from Postgres at once. */
const PAGE = 50_000;
/** How long a pass is held to be alive after its last sign of life. */
const ALIVE_MS = 15_000;

/** Takes the versions for a pass; those that another live pass holds, and those not in use, are left out. */
async function begin(deps: Deps, rows: readonly VersionRow[], anew: boolean): Promise<Begun | undefined> {
  return deps.db.transaction(everything, async (tx) => {
    // Looks hold these locks until they end, so that whatever they found before `since` can be read.
    const held = await tx.rows<{
      segment_id: string;
      version: number;
      pass: bigint | null;
      pass_day: string | null;
      pass_since: Date | null;
      whole: boolean;
    }>(sql`
      SELECT segment_id, version, pass, pass_day, pass_since,
        running_pass = pass AND pass_since > now() - make_interval(hours => ${KNOWN_HOURS}) AS whole
      FROM segment_version
      WHERE state = 3 AND (running_pass IS NOT DISTINCT FROM pass OR running_until < clock_timestamp())
        AND (segment_id, version) IN (SELECT * FROM unnest(${rows.map((row) => row.segment_id)}::text[],
          ${rows.map((row) => row.version)}::int[]))
      ORDER BY segment_id, version FOR UPDATE`);
    if (held.length === 0) return undefined;
    const { pass, since } = await tx.one<{ pass: bigint; since: Date }>(sql`
      SELECT nextval('segment_pass') AS pass, clock_timestamp() AS since`);
    const day = today(deps);
    const rowOf = new Map(rows.map((row) => [versionName(row.segment_id, row.version), row]));
    const versions = held.flatMap((one) => {
      const name = versionName(one.segment_id, one.version);
      const row = rowOf.get(name);
      if (!row) return [];
      // Days do not go back, whatever the clock of this process says.
      const asOf = dayOf(row.as_of) ?? Math.max(day, dayOf(one.pass_day) ?? 0);
      const known =
        one.whole && !anew ? { before: one.pass ?? undefined, beforeSince: one.pass_since ?? undefined } : {};
      const { segment_id: segmentId, version } = one;
      return [
        {
          name,
          segmentId,
          version,
          asOf,
          first: row.evaluate_time === null,
          row,
          before: undefined,
          beforeSince: undefined,
          ...known,
        },
      ];
    });
    await tx.run(sql`
      UPDATE segment_version v SET running_pass = ${pass}, pass_day = taken.day,
        running_until = clock_timestamp() + make_interval(secs => ${ALIVE_MS / 1000})
      FROM unnest(${versions.map(({ segmentId }) => segmentId)}::text[], ${versions.map(({ version }) => version)}::int[],
        ${versions.map(({ asOf }) => dateText(asOf))}::date[]) AS taken (segment_id, version, day)
      WHERE v.segment_id = taken.segment_id AND v.version = taken.version`);
    return { pass, since, versions };
  });
}

interface Evaluated {
  name: string;
  row: VersionRow;
  rule: Rule;
  asOf: DayNumber;
}

/** Runs rules over all parties into the bitmaps of the pass. */
async function collect(
  { db, analytics, zone }: Deps,
  pass: bigint,
  rules: readonly Evaluated[],
  segments: SegmentRules,
  signal: AbortSignal | undefined,
): Promise<void> {
  const merged = await anyMerged(db.system);
  const compiled = compileRules(rules, zone, { merged, segments, ranged: true });
  const limited = underPaths(
    compiled.conditions,
    rules.map(({ row }) => row.organisation_path),
  );
  const statement = collecting(compiled.from, limited.conditions);
  const names = rules.map(({ name }) => name);
  for (const range of await partyRanges(analytics)) {
    signal?.throwIfAborted();
    const bound = { ...compiled.parameters, ...limited.parameters, pass, names, ...range };
    await analytics.command(statement, bound, { beside: true });
  }
}

/** The members of a version as Postgres has them, as numbers, some at a time. */
async function* membersOf({ db }: Deps, { segmentId, version }: Passed): AsyncIterable<number[]> {
  let after = '00000000-0000-0000-0000-000000000000';
  for (;;) {
    const rows = await db.system.rows<{ party_id: string; number: number | null }>(sql`
      SELECT m.party_id, n.number FROM (
        SELECT party_id FROM membership WHERE segment_id = ${segmentId} AND version = ${version}
          AND party_id > ${after}::uuid ORDER BY party_id LIMIT ${PAGE}) AS m
        LEFT JOIN party_number n USING (party_id) ORDER BY m.party_id`);
    yield rows.flatMap(({ number }) => number ?? []);
    const last = rows.at(-1);
    if (!last || rows.length < PAGE) return;
    after = last.party_id;
  }
}

/** The parties that were looked at live in a span of time, as numbers, some at a time. */
async function* lookedAt({ db }: Deps, from: Date, until: Date): AsyncIterable<number[]> {
  let after = { time: from, party: '00000000-0000-0000-0000-000000000000' };
  for (;;) {
    const rows = await db.system.rows<{ party_id: string; evaluate_time: Date; number: number | null }>(sql`
      SELECT c.party_id, c.evaluate_time, n.number FROM changed_party c LEFT JOIN party_number n USING (party_id)
      WHERE c.evaluate_time < ${until} AND (c.evaluate_time, c.party_id) > (${after.time}, ${after.party}::uuid)
      ORDER BY c.evaluate_time, c.party_id LIMIT ${PAGE}`);
    yield rows.flatMap(({ number }) => number ?? []);
    const last = rows.at(-1);
    if (!last || rows.length < PAGE) return;
    after = { time: last.evaluate_time, party: last.party_id };
  }
}

/**
 * Says what the new bitmaps are compared with: the bitmap of the version's last pass where it is at hand, else its members
 * in Postgres. Gives the keys of the first kind.
 */
async function gatherBefore(deps: Deps, { pass, since, versions }: Begun): Promise<string[]> {
  const { analytics } = deps;
  const keyOf = ({ name, before }: Begun['versions'][number]) => `${name}#${before}`;
  const hoped = versions.filter(({ before }) => before !== undefined);
  const keys = await knownBitmaps(analytics, hoped.map(keyOf));
  let oldest: Date | undefined;
  for (const one of versions) {
    if (one.beforeSince && keys.has(keyOf(one))) {
      if (!oldest || one.beforeSince < oldest) oldest = one.beforeSince;
      continue;
    }
    for await (const numbers of membersOf(deps, one)) {
      await addNumbers(analytics, { pass, part: 'before', name: one.name }, numbers);
    }
  }
  if (oldest) {
    for await (const numbers of lookedAt(deps, oldest, since)) {
      await addNumbers(analytics, { pass, part: 'looked', name: '' }, numbers);
    }
  }
  await foldNumbers(analytics, pass);
  return [...keys];
}

async function finish({ db, clock }: Deps, { pass, since }: Begun, done: readonly Passed[]): Promise<void> {
  await db.system.run(sql`
    UPDATE segment_version v SET pass = ${pass}, pass_since = ${since}, evaluate_time = ${clock.now()}, evaluated_day = taken.day
    FROM unnest(${done.map(({ segmentId }) => segmentId)}::text[], ${done.map(({ version }) => version)}::int[],
      ${done.map(({ asOf }) => dateText(asOf))}::date[]) AS taken (segment_id, version, day)
    WHERE v.segment_id = taken.segment_id AND v.version = taken.version AND v.running_pass = ${pass}`);
}

/** Leaves versions whose rules cannot be evaluated as they are, until the next day. */
async function leave({ db }: Deps, { pass }: Begun, left: readonly Passed[]): Promise<void> {
  await db.system.run(sql`
    UPDATE segment_version v SET running_pass = v.pass, evaluated_day = taken.day, pass_asked = NULL
    FROM unnest(${left.map(({ segmentId }) => segmentId)}::text[], ${left.map(({ version }) => version)}::int[],
      ${left.map(({ asOf }) => dateText(asOf))}::date[]) AS taken (segment_id, version, day)
    WHERE v.segment_id = taken.segment_id AND v.version = taken.version AND v.running_pass = ${pass}`);
}

/** Lets go of the versions that a pass has not finished, so that the next one need not wait. */
async function letGo({ db }: Deps, pass: bigint): Promise<void> {
  await db.system.run(sql`
    UPDATE segment_version SET running_until = clock_timestamp()
    WHERE running_pass = ${pass} AND pass IS DISTINCT FROM running_pass`);
}

/** Says that the pass is alive until `stop`. */
function showLife({ db }: Deps, pass: bigint): { stop(): void } {
  const timer = setInterval(() => {
    db.system
      .run(sql`
        UPDATE segment_version SET running_until = clock_timestamp() + make_interval(secs => ${ALIVE_MS / 1000})
        WHERE running_pass = ${pass} AND pass IS DISTINCT FROM running_pass`)
      .catch((error: unknown) => logger.warn({ err: error }, 'a pass could not say that it is alive'));
  }, ALIVE_MS / 4);
  return { stop: () => clearInterval(timer) };
}

/** Drops the bitmaps that no version in use is compared with any more. */
export async function forgetPasses({ db, analytics }: Deps): Promise<void> {
  const { newest } = await db.system.one<{ newest: bigint | null }>(sql`
    SELECT max(running_pass) AS newest FROM segment_version`);
  const rows = await db.system.rows<{ pass: bigint }>(sql`
    SELECT DISTINCT unnest(ARRAY[pass, running_pass]) AS pass FROM segment_version
    WHERE state = 3 AND (pass_since > now() - make_interval(hours => ${KNOWN_HOURS}) OR running_pass IS DISTINCT FROM pass)`);
  await dropPasses(analytics, new Set(rows.map(({ pass }) => pass)), newest ?? 0n);
}

/**
 * Looks at all parties for these versions: every rule in one scan into bitmaps of the numbers of parties, the difference
 * to the bitmaps of the pass before by operations on bitmaps, and only that difference into Postgres, with an event for
 * each change, some thousand at a time. Killed at any point, the next pass goes on from what Postgres has. Versions that
 * another pass holds are left out. `anew` compares with Postgres, whatever bitmaps there are. Gives what changed by the
 * name of the version; nothing for one whose rule cannot be evaluated, whose members stay as they are.
 */
export async function runPass(
  deps: Deps,
  rows: readonly VersionRow[],
  { signal, anew = false }: { signal?: AbortSignal | undefined; anew?: boolean } = {},
): Promise<Map<string, Outcome | undefined>> {
  const { db, analytics } = deps;
  await numberParties(deps);
  const begun = await begin(deps, rows, anew);
  if (!begun) return new Map();
  const { pass, since } = begun;
  const life = showLife(deps, pass);
  try {
    const known = await db.system.rows<VersionRow>(sql`${versionRows} WHERE v.state = 3 ORDER BY v.segment_id`);
    const { used, segments } = readInUse(known);
    const ruleOf = new Map(used.map(({ row, rule }) => [versionName(row.segment_id, row.version), rule]));
    const rules = begun.versions.flatMap(({ name, asOf, row }): Evaluated[] => {
      const rule = ruleOf.get(name);
      if (rule) return [{ name, row, rule, asOf }];
      logger.error({ segment: name }, 'a rule is unsound: its members stay as they are');
      return [];
    });
    const started = performance.now();
    const evaluated = new Set<string>();
    for (let start = 0; start < rules.length; start += RULES) {
      const some = rules.slice(start, start + RULES);
      const part = await eachSound(some, (sound) => collect(deps, pass, sound, segments, signal));
      for (const { name } of part) evaluated.add(name);
    }
    const sqlMs = performance.now() - started;
    const versions = begun.versions.filter(({ name }) => evaluated.has(name));
    const before = await gatherBefore(deps, { ...begun, versions });
    await findChanges(analytics, pass, [...evaluated], before);

    const outcomes = new Map<string, Outcome | undefined>(begun.versions.map(({ name }) => [name, undefined]));
    for (const { name, asOf } of versions) outcomes.set(name, { entered: 0, exited: 0, asOf, sqlMs });
    const { changes, parties, last } = await countChanges(analytics, pass);
    const per = Math.max(1, Math.ceil((CHANGES * parties) / Math.max(1, changes)));
    // While Postgres writes some changes, ClickHouse looks up the next.
    const slicesFrom = (first: number): Promise<Slice | undefined> => {
      const slice = first > last ? Promise.resolve(undefined) : nextSlice(analytics, pass, first, per);
      slice.catch(() => undefined);
      return slice;
    };
    for (let coming = slicesFrom(0); ; ) {
      signal?.throwIfAborted();
      const slice = await coming;
      if (!slice) break;
      coming = slicesFrom(slice.last + 1);
      for (const [name, { entered, exited }] of await applySlice(deps, { pass, since, versions }, slice)) {
        const outcome = outcomes.get(name);
        if (!outcome) continue;
        outcome.entered += entered;
        outcome.exited += exited;
      }
    }
    await finish(deps, begun, versions);
    await leave(
      deps,
      begun,
      begun.versions.filter(({ name }) => !evaluated.has(name)),
    );
    return outcomes;
  } finally {
    life.stop();
    await letGo(deps, pass);
  }
}

/** Between looks whether another pass has done it. */
const AGAIN_MS = 200;

/**
 * Gives versions that came into use their members, all in one pass; ends when they have them, whoever saw to it. Those that
 * are out of use again and those whose rules cannot be evaluated are left.
 */
export async function fillVersions(deps: Deps, rows: readonly VersionRow[], signal?: AbortSignal): Promise<void> {
  const left = new Map(rows.map((row) => [versionName(row.segment_id, row.version), row]));
  for (;;) {
    const empty = await deps.db.system.rows<{ segment_id: string; version: number }>(sql`
      SELECT segment_id, version FROM segment_version
      WHERE state = 3 AND pass IS NULL AND segment_id = ANY(${rows.map((row) => row.segment_id)}::text[])`);
    const names = new Set(empty.map((row) => versionName(row.segment_id, row.version)));
    for (const name of left.keys()) if (!names.has(name)) left.delete(name);
    if (left.size === 0) return;
    const outcomes = await runPass(deps, [...left.values()], { signal });
    for (const name of outcomes.keys()) left.delete(name);
    if (outcomes.size === 0) await sleep(AGAIN_MS, undefined, signal ? { signal } : {});
  }
}

/** Looks at all parties anew for a version in use. Undefined when it is not in use, or its rule cannot be evaluated. */
export async function evaluateVersion(deps: Deps, row: VersionRow, signal?: AbortSignal): Promise<Outcome | undefined> {
  const name = versionName(row.segment_id, row.version);
  for (;;) {
    const used = await deps.db.system.maybe(sql`
      SELECT segment_id FROM segment_version
      WHERE segment_id = ${row.segment_id} AND version = ${row.version} AND state = 3`);
    if (!used) return undefined;
    const outcomes = await runPass(deps, [row], { signal, anew: true });
    if (outcomes.has(name)) return outcomes.get(name);
    await sleep(AGAIN_MS, undefined, signal ? { signal } : {});
  }
}

/** Asks for a pass over versions in use, for whoever changed what their rules ask for by other ways than customer events. */
export async function askForPass(tx: Tx, segmentIds: readonly string[]): Promise<void> {
  await tx.run(sql`
    UPDATE segment_version SET pass_asked = clock_timestamp()
    WHERE state = 3 AND segment_id = ANY(${[...segmentIds]}::text[])`);
}
