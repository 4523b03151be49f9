import { audit, systemCaller } from '@rapport/kit/crypto';
import { sql, type Tx } from '@rapport/kit/db';
import { publishAll } from '@rapport/kit/events';
import { uuidv7 } from '@rapport/kit/runtime';
import { BehaviourChanged, MeasureKind } from '@rapport/proto/customer/v1';
import { dayAt } from '../calendar/calendar.js';
import type { Deps } from '../deps.js';
import { partyName, RESTRICTED } from '../party/party.js';
import { type BaselineState, type DayResult, noBaseline, observe } from './baseline.js';
import {
  baselineColumns,
  type BaselineRecord,
  baselineRecord,
  behaviourChanged,
  type ChangeRecord,
  stateOf,
  unitOf,
} from './records.js';
import { dayNumber, dayText, type Measured, measureKey, readSeries, type Series, weekday } from './series.js';

const caller = systemCaller('customer', 'MeasureBehaviour');

/** How far back a baseline is made from when there is none, or when something came late. */
const HISTORY_DAYS = 120;
/** Days that stay open behind today: what comes within them needs no look back. */
const OPEN_DAYS = 1;

/** The first day that still counts, `YYYY-MM-DD`. */
export function firstMeasuredDay(today: string): string {
  return dayText(dayNumber(today) - HISTORY_DAYS + 1);
}

interface Place {
  partyId: string;
  organisationPath: string;
  manager: string;
}

/** Measures of one family begin together: who never read about a topic read about it zero times. */
function familyOf(kind: MeasureKind): 'balance' | 'spending' | 'digital' {
  if (kind === MeasureKind.MEASURE_KIND_BALANCE) return 'balance';
  return kind === MeasureKind.MEASURE_KIND_SPENDING ? 'spending' : 'digital';
}

/**
 * Brings the baselines of some parties up to date and raises what has departed, each departure once. `touched` says for
 * each party the first day, `YYYY-MM-DD`, on which something is new; days before the last 120 do not count. The parties
 * are locked, as the golden records that they are, in the order of their ids. Who is restricted is not looked at; what
 * was done meanwhile counts when the restriction is lifted.
 *
 * Days before yesterday are closed: they become part of the baseline. Yesterday and today stay open and are judged on a
 * copy each time; of today, which is not over, only that it is already more than usual. What comes later than that makes
 * the baseline anew from the last 120 days, so that order never matters. Either way the work does not grow with history.
 */
export async function measureParties(
  deps: Pick<Deps, 'clock' | 'bank'>,
  tx: Tx,
  touched: ReadonlyMap<string, string>,
): Promise<void> {
  const today = dayNumber(dayAt(deps.clock.now(), deps.bank.timeZone));
  const wanted = new Map([...touched].filter(([, day]) => dayNumber(day) > today - HISTORY_DAYS));
  if (wanted.size === 0) return;
  const { places, first } = await lock(tx, wanted);
  const rows = await tx.rows<BaselineRecord>(sql`
    SELECT ${baselineColumns} FROM unnest(${places.map(({ partyId }) => partyId)}::uuid[]) AS p (id)
    CROSS JOIN LATERAL (SELECT * FROM behaviour_baseline b WHERE b.party_id = p.id OFFSET 0) b`);
  const known = Map.groupBy(rows, ({ partyId }) => partyId);
  const begin = places.map(({ partyId }) => sinceOf(known.get(partyId) ?? [], first.get(partyId) as number, today));
  const windows = places.map(({ partyId }, index) => ({ partyId, since: dayText((begin[index] as Begin).since) }));
  const measured = await readSeries(tx, windows, deps.bank.timeZone);
  const outcome: Outcome = { baselines: [], raised: [], ended: [] };
  places.forEach((place, index) => {
    const own = known.get(place.partyId) ?? [];
    judge(deps, outcome, place, own, measured.get(place.partyId) as Measured, begin[index] as Begin, today);
  });
  await write(deps, tx, outcome);
}

/** The golden records behind the parties, and the first new day of each. */
async function lock(
  tx: Tx,
  touched: ReadonlyMap<string, string>,
): Promise<{ places: Place[]; first: Map<string, number> }> {
  const golden = await tx.rows<{ id: string; golden: string }>(sql`
    SELECT party_id AS id, golden_id AS golden FROM party WHERE party_id = ANY(${[...touched.keys()]}::uuid[])`);
  const first = new Map<string, number>();
  for (const { id, golden: to } of golden) {
    first.set(to, Math.min(first.get(to) ?? Number.POSITIVE_INFINITY, dayNumber(touched.get(id) as string)));
  }
  const places = await tx.rows<Place>(sql`
    SELECT party_id AS "partyId", organisation_path AS "organisationPath", manager FROM party
    WHERE party_id = ANY(${[...first.keys()]}::uuid[]) AND merged_into IS NULL AND state <> ${RESTRICTED}
    ORDER BY party_id FOR NO KEY UPDATE`);
  return { places, first };
}

interface Begin {
  /** The first day to read. */
  since: number;
  /** Whether what is stored is left aside. */
  anew: boolean;
}

function sinceOf(known: readonly BaselineRecord[], first: number, today: number): Begin {
  const through = Math.min(...known.map((row) => dayNumber(row.through)));
  const anew = known.length === 0 || first <= Math.max(...known.map((row) => dayNumber(row.through)));
  const start = today - HISTORY_DAYS;
  return anew || through < start ? { since: start, anew: true } : { since: through + 1, anew: false };
}

interface Outcome {
  baselines: (BaselineRecord & Place)[];
  raised: ChangeRecord[];
  ended: { partyId: string; changeId: string; endDate: string }[];
}

/** Judges the measures of one party. */
function judge(
  deps: Pick<Deps, 'clock' | 'bank'>,
  outcome: Outcome,
  place: Place,
  known: readonly BaselineRecord[],
  measured: Measured,
  { since, anew }: Begin,
  today: number,
): void {
  const rows = new Map(known.map((row) => [measureKey(row.measure, row.code), row]));
  const families = familyStarts(known, measured, since, anew);
  for (const key of new Set([...rows.keys(), ...measured.keys()])) {
    const at = key.indexOf(' ');
    const measure = Number(key.slice(0, at)) as MeasureKind;
    const row = rows.get(key);
    const series = measured.get(key) ?? new Map<number, number>();
    const family = families.get(familyOf(measure));
    if (family === undefined && (anew || !row)) {
      // Nothing of the kind within the last 120 days: there is nothing usual any more.
      if (row) close(outcome, place, row, today);
      continue;
    }
    const start = anew || !row ? { from: family?.from ?? since, state: family?.state ?? noBaseline } : undefined;
    const from = start?.from ?? since;
    const state = start?.state ?? stateOf(row as BaselineRecord);
    const carried = series.get(since - 1) ?? 0;
    const result = walk(deps, { state, from, today, series, measure, carried });
    const changeId = row?.changeId ?? null;
    const raisedId = settle(deps, outcome, place, { measure, code: key.slice(at + 1), changeId }, result, today);
    const through = dayText(Math.max(from - 1, today - OPEN_DAYS - 1));
    const record = { partyId: place.partyId, measure, code: key.slice(at + 1), through, changeId: raisedId };
    outcome.baselines.push({ ...place, ...baselineRecord(record, result.closed) });
  }
}

/** From which day the measures of a family count, and with which state one begins that was not measured before. */
function familyStarts(
  known: readonly BaselineRecord[],
  measured: Measured,
  since: number,
  anew: boolean,
): Map<string, { from: number; state: BaselineState }> {
  const starts = new Map<string, { from: number; state: BaselineState }>();
  if (!anew) {
    for (const { measure, observations } of known) {
      const family = familyOf(measure);
      // Balances carry their last value, the others were zero on every day so far.
      if (family === 'balance') continue;
      const longest = Math.max(starts.get(family)?.state.observations ?? 0, observations);
      starts.set(family, { from: since, state: { ...noBaseline, observations: longest } });
    }
  }
  for (const [key, series] of measured) {
    const family = familyOf(Number(key.slice(0, key.indexOf(' '))) as MeasureKind);
    if (starts.get(family)?.state.observations) continue;
    const first = Math.max(since, Math.min(...series.keys()));
    const from = Math.min(starts.get(family)?.from ?? Number.POSITIVE_INFINITY, first);
    starts.set(family, { from, state: noBaseline });
  }
  return starts;
}

interface Walk {
  state: BaselineState;
  from: number;
  today: number;
  series: Series;
  measure: MeasureKind;
  /** The balance before the first day. */
  carried: number;
}

interface Walked {
  /** After the last closed day. */
  closed: BaselineState;
  /** After the open days. */
  open: BaselineState;
  /** The last day of `open`. */
  last: number;
  /** The day on which the departure that `open` is in was noticed. */
  notice?: DayResult & { day: number; observed: number };
}

/** Goes day by day from the first new one to today. Days without an entry are zero; a balance stays what it was. */
function walk(deps: Pick<Deps, 'bank'>, { state, from, today, series, measure, carried }: Walk): Walked {
  const unit = unitOf(measure);
  const balance = measure === MeasureKind.MEASURE_KIND_BALANCE;
  let held = carried;
  let open = state;
  let closed = state;
  let last = from - 1;
  let notice: Walked['notice'];
  for (let day = from; day <= today; day += 1) {
    held = series.get(day) ?? held;
    const observed = balance ? held : (series.get(day) ?? 0);
    const result = observe(open, weekday(day), observed, unit, deps.bank.baseline);
    // Today is not over: only a count or spending that is too high already says something, and nothing is over yet.
    if (day === today && (balance || result.deviations <= 0 || result.turn !== 'departed')) break;
    open = result.state;
    last = day;
    if (result.turn === 'departed') notice = { ...result, day, observed };
    if (day <= today - OPEN_DAYS - 1) closed = open;
  }
  return { closed, open, last, ...(notice && { notice }) };
}

/** Raises a departure that is new, ends one that is over; gives the one that stands. */
function settle(
  deps: Pick<Deps, 'clock'>,
  outcome: Outcome,
  place: Place,
  { measure, code, changeId }: Pick<BaselineRecord, 'measure' | 'code' | 'changeId'>,
  { open, last, notice }: Walked,
  today: number,
): string | null {
  if (open.departed === 0) {
    if (changeId !== null) outcome.ended.push({ ...place, changeId, endDate: dayText(Math.min(last, today)) });
    return null;
  }
  if (changeId !== null || !notice) return changeId;
  const change: ChangeRecord = {
    ...place,
    changeId: uuidv7(),
    measure,
    code,
    expected: notice.expected,
    observed: notice.observed,
    deviations: notice.deviations,
    sinceDate: dayText(notice.day - Math.max(notice.state.run, 1) + 1),
    noticeDate: dayText(notice.day),
    endDate: null,
    raiseTime: deps.clock.now(),
  };
  outcome.raised.push(change);
  return change.changeId;
}

/** Forgets a measure. */
function close(outcome: Outcome, place: Place, row: BaselineRecord, today: number): void {
  if (row.changeId !== null) outcome.ended.push({ ...place, changeId: row.changeId, endDate: dayText(today) });
  const through = dayText(today - OPEN_DAYS - 1);
  outcome.baselines.push({ ...place, ...baselineRecord({ ...row, through, changeId: null }, noBaseline) });
}

/** Writes what came of it with one statement each, tells of what was raised. */
async function write(deps: Pick<Deps, 'clock'>, tx: Tx, { baselines, raised, ended }: Outcome): Promise<void> {
  if (baselines.length > 0) {
    const gone = baselines.filter(({ observations }) => observations === 0);
    const kept = baselines.filter(({ observations }) => observations > 0);
    await tx.run(sql`
      DELETE FROM behaviour_baseline WHERE (party_id, measure, code) IN (SELECT * FROM unnest(
        ${gone.map(({ partyId }) => partyId)}::uuid[], ${gone.map(({ measure }) => measure)}::smallint[],
        ${gone.map(({ code }) => code)}::text[]))`);
    await tx.run(sql`
      INSERT INTO behaviour_baseline (party_id, measure, code, through, observations, level, season, variance, scale,
        chart, onset, departed, change_id, organisation_path, manager)
      SELECT "partyId", measure, code, through, observations, level,
        ARRAY(SELECT v::float8 FROM jsonb_array_elements_text(season) WITH ORDINALITY AS s (v, place) ORDER BY place),
        variance, scale, chart, onset, departed, "changeId", "organisationPath", manager
      FROM jsonb_to_recordset(${JSON.stringify(kept)}::jsonb) AS r ("partyId" uuid, measure smallint, code text,
        through date, observations integer, level float8, season jsonb, variance float8, scale float8, chart float8,
        onset date, departed smallint, "changeId" uuid, "organisationPath" text, manager text)
      ON CONFLICT (party_id, measure, code) DO UPDATE SET through = excluded.through,
        observations = excluded.observations, level = excluded.level, season = excluded.season,
        variance = excluded.variance, scale = excluded.scale, chart = excluded.chart, onset = excluded.onset,
        departed = excluded.departed, change_id = excluded.change_id`);
  }
  if (ended.length > 0) {
    await tx.run(sql`
      UPDATE behaviour_change c SET end_date = e.day FROM unnest(${ended.map(({ partyId }) => partyId)}::uuid[],
        ${ended.map(({ changeId }) => changeId)}::uuid[], ${ended.map(({ endDate }) => endDate)}::date[])
        AS e (party_id, change_id, day)
      WHERE c.party_id = e.party_id AND c.change_id = e.change_id`);
  }
  if (raised.length === 0) return;
  await tx.run(sql`
    INSERT INTO behaviour_change (party_id, change_id, measure, code, expected, observed, deviations, since_date,
      notice_date, raise_time, organisation_path, manager)
    SELECT "partyId", "changeId", measure, code, expected, observed, deviations, "sinceDate", "noticeDate", "raiseTime",
      "organisationPath", manager
    FROM jsonb_to_recordset(${JSON.stringify(raised)}::jsonb) AS r ("partyId" uuid, "changeId" uuid, measure smallint,
      code text, expected float8, observed float8, deviations float8, "sinceDate" date, "noticeDate" date,
      "raiseTime" timestamptz, "organisationPath" text, manager text)`);
  await audit(tx, caller, {
    resource: [...new Set(raised.map(({ partyId }) => partyName(partyId)))],
    change: { raised: raised.length },
  });
  const events = raised.map((row) => ({
    message: behaviourChanged(row),
    options: { aggregate: row.partyId, subject: partyName(row.partyId) },
  }));
  await publishAll(tx, BehaviourChanged, events);
}
