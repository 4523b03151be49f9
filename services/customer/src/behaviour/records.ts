import { type Sql, sql } from '@rapport/kit/db';
import type {
  Baseline,
  BehaviourChange,
  BehaviourChanged,
  BehaviourEvent,
  MeasureKind,
} from '@rapport/proto/customer/v1';
import { dayMessage } from '../calendar/calendar.js';
import { partyName } from '../party/party.js';
import { type BaselineState, deviationOf, type MeasureUnit } from './baseline.js';
import { dayNumber, dayText } from './series.js';

/** Balances and spending are amounts, everything else is counted. */
export function unitOf(kind: MeasureKind): MeasureUnit {
  return kind <= 2 ? 'amount' : 'count';
}

/** A baseline as it is stored, in the names of the Prisma model. */
export interface BaselineRecord {
  partyId: string;
  measure: MeasureKind;
  code: string;
  /** `YYYY-MM-DD`: the last day that counts. */
  through: string;
  observations: number;
  level: number;
  season: number[];
  variance: number;
  scale: number;
  chart: number;
  /** `YYYY-MM-DD`: since when the chart is out of the middle. */
  onset: string | null;
  departed: -1 | 0 | 1;
  /** The change that was raised and is not over. */
  changeId: string | null;
}

/** The columns of a `BaselineRecord`, of the table behaviour_baseline under the name b. */
export const baselineColumns: Sql = sql.raw(`b.party_id AS "partyId", b.measure, b.code, b.through, b.observations,
  b.level, b.season, b.variance, b.scale, b.chart, b.onset, b.departed, b.change_id AS "changeId"`);

/** What the formula works with. */
export function stateOf(row: BaselineRecord): BaselineState {
  const { observations, level, season, variance, scale, chart, departed, onset, through } = row;
  const run = onset === null ? 0 : dayNumber(through) - dayNumber(onset) + 1;
  return { observations, level, season, variance, scale, chart, departed, run };
}

/** The row of a state. */
export function baselineRecord(
  key: Pick<BaselineRecord, 'partyId' | 'measure' | 'code' | 'through' | 'changeId'>,
  { run, season, ...state }: BaselineState,
): BaselineRecord {
  const onset = run === 0 ? null : dayText(dayNumber(key.through) - run + 1);
  return { ...key, ...state, season: [...season], onset };
}

/** The message of a row. */
export function baselineMessage(row: BaselineRecord): Baseline {
  const week = row.observations >= 7;
  return {
    measure: { kind: row.measure, code: row.code },
    observations: row.observations,
    mean: week ? row.level : row.scale,
    deviation: deviationOf(stateOf(row), unitOf(row.measure)),
    season: week ? row.season : [],
    departed: row.changeId !== null,
    throughDate: dayMessage(row.through),
  };
}

/** A change as it is stored, in the names of the Prisma model. */
export interface ChangeRecord {
  partyId: string;
  changeId: string;
  measure: MeasureKind;
  code: string;
  expected: number;
  observed: number;
  deviations: number;
  sinceDate: string;
  noticeDate: string;
  endDate: string | null;
  raiseTime: Date;
  organisationPath: string;
  manager: string;
}

/** The columns of a `ChangeRecord`, of the table behaviour_change under the name c. */
export const changeColumns: Sql = sql.raw(`c.party_id AS "partyId", c.change_id AS "changeId", c.measure, c.code,
  c.expected, c.observed, c.deviations, c.since_date AS "sinceDate", c.notice_date AS "noticeDate",
  c.end_date AS "endDate", c.raise_time AS "raiseTime", c.organisation_path AS "organisationPath", c.manager`);

/** A row that came as JSON. */
export function changeFromJson(json: ChangeRecord): ChangeRecord {
  return { ...json, raiseTime: new Date(json.raiseTime) };
}

/** `parties/{uuid}/behaviourChanges/{uuid}`. */
export function changeName(row: { partyId: string; changeId: string }): string {
  return `${partyName(row.partyId)}/behaviourChanges/${row.changeId}`;
}

/** The message of a row. */
export function changeMessage(row: ChangeRecord): BehaviourChange {
  const { measure, code, expected, observed, deviations, sinceDate, noticeDate, endDate, raiseTime } = row;
  return {
    name: changeName(row),
    measure: { kind: measure, code },
    expected,
    observed,
    deviations,
    sinceDate: dayMessage(sinceDate),
    noticeDate: dayMessage(noticeDate),
    endDate: endDate === null ? undefined : dayMessage(endDate),
    raiseTime,
  };
}

/** What the world hears of a departure. */
export function behaviourChanged(row: ChangeRecord): BehaviourChanged {
  const { measure, code, expected, observed, deviations, sinceDate, noticeDate, organisationPath } = row;
  return {
    party: partyName(row.partyId),
    organisationPath,
    behaviourChange: changeName(row),
    measure: { kind: measure, code },
    expected,
    observed,
    deviations,
    sinceDate: dayMessage(sinceDate),
    noticeDate: dayMessage(noticeDate),
  };
}

/** What a customer did, as it is stored, in the names of the Prisma model. */
export interface EventRecord {
  partyId: string;
  time: Date;
  eventId: string;
  kind: number;
  topic: string;
  channel: number;
  session: string;
  source: string;
  organisationPath: string;
  manager: string;
}

/** The columns of an `EventRecord`, of the table behaviour_event under the name e. */
export const eventColumns: Sql = sql.raw(`e.party_id AS "partyId", e.time, e.event_id AS "eventId", e.kind, e.topic,
  e.channel, e.session, e.source, e.organisation_path AS "organisationPath", e.manager`);

/** The message of a row; the key stays with the sender. */
export function eventMessage(row: EventRecord): BehaviourEvent {
  const { time, kind, topic, channel, session } = row;
  return { party: partyName(row.partyId), time, kind, topic, channel, session, key: '' };
}
