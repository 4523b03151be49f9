import { type Scope, type Sql, sql } from '@rapport/kit/db';
import {
  type LifeEvent,
  type LifeEventCertainty,
  LifeEventKind,
  type LifeEventRecorded,
} from '@rapport/proto/customer/v1';
import { seen } from '../access/access.js';
import { dayMessage, isoDay } from '../calendar/calendar.js';
import { fail } from '../errors.js';
import { idsIn, partyName } from '../party/party.js';

/** A life event as it is stored, in the names of the Prisma model. */
export interface LifeEventRecord {
  partyId: string;
  lifeEventId: string;
  kind: LifeEventKind;
  otherKind: string;
  /** `YYYY-MM-DD`, as the one below. */
  startDate: string;
  endDate: string | null;
  certainty: LifeEventCertainty;
  source: string;
  recordedBy: string;
  createTime: Date;
  updateTime: Date;
  retractTime: Date | null;
  version: number;
  organisationPath: string;
  manager: string;
}

/** The columns of a `LifeEventRecord`, of the table life_event under the name l. */
export const lifeEventColumns: Sql = sql.raw(`l.party_id AS "partyId", l.life_event_id AS "lifeEventId", l.kind,
  l.other_kind AS "otherKind", l.start_date AS "startDate", l.end_date AS "endDate", l.certainty, l.source,
  l.recorded_by AS "recordedBy", l.create_time AS "createTime", l.update_time AS "updateTime",
  l.retract_time AS "retractTime", l.version, l.organisation_path AS "organisationPath", l.manager`);

/** A row that came as JSON. */
export function lifeEventFromJson(json: LifeEventRecord): LifeEventRecord {
  const { createTime, updateTime, retractTime } = json;
  return {
    ...json,
    createTime: new Date(createTime),
    updateTime: new Date(updateTime),
    retractTime: retractTime === null ? null : new Date(retractTime),
  };
}

/** The kinds of class C3: what they say is for those alone whom the policies permit the class. */
export const sensitiveKinds: readonly LifeEventKind[] = [
  LifeEventKind.LIFE_EVENT_KIND_DIVORCE,
  LifeEventKind.LIFE_EVENT_KIND_BEREAVEMENT,
  LifeEventKind.LIFE_EVENT_KIND_INHERITANCE,
];

/** The condition on life_event (under the name l) that keeps what the caller may see. */
export function seenLifeEvents(personal: Scope, sensitive: Scope): Sql {
  return sql`${seen(personal, 'l')}
    AND (l.kind <> ALL(${[...sensitiveKinds]}::smallint[]) OR ${seen(sensitive, 'l')})`;
}

/** `parties/{uuid}/lifeEvents/{uuid}`. */
export function lifeEventName(row: { partyId: string; lifeEventId: string }): string {
  return `${partyName(row.partyId)}/lifeEvents/${row.lifeEventId}`;
}

/** The ids in a name; a name that no life event can have is simply not found. */
export function lifeEventIdsIn(name: string): [partyId: string, lifeEventId: string] {
  const [partyId, lifeEventId] = idsIn(name) ?? [];
  if (partyId === undefined || lifeEventId === undefined) throw fail('LIFE_EVENT_NOT_FOUND');
  return [partyId, lifeEventId];
}

/** The etag of a version. */
export function lifeEventEtag({ version }: { version: number }): string {
  return `"${version}"`;
}

/** The columns that follow from a message; throws what is wrong with it beyond the contract. */
export function lifeEventFields(
  message: LifeEvent,
): Pick<LifeEventRecord, 'kind' | 'otherKind' | 'startDate' | 'endDate' | 'certainty' | 'source'> {
  const { kind, otherKind, certainty, source } = message;
  const startDate = message.startDate && isoDay(message.startDate);
  const endDate = message.endDate ? isoDay(message.endDate) : null;
  if (startDate === undefined) throw invalid('start_date', 'must be a day of the calendar');
  if (endDate === undefined) throw invalid('end_date', 'must be a day of the calendar');
  if (endDate !== null && endDate < startDate) throw invalid('end_date', 'lies before the first day');
  if ((kind === LifeEventKind.LIFE_EVENT_KIND_OTHER) === (otherKind === '')) {
    throw invalid('other_kind', otherKind === '' ? 'is required with this kind' : 'is for the kind OTHER only');
  }
  return { kind, otherKind, startDate, endDate, certainty, source };
}

function invalid(field: string, description: string): Error {
  return fail('LIFE_EVENT_INVALID', { violations: [{ field: `life_event.${field}`, description }] });
}

/** The message of a row. */
export function lifeEventMessage(row: LifeEventRecord): LifeEvent {
  const { kind, otherKind, startDate, endDate, certainty, source, recordedBy, createTime, updateTime } = row;
  return {
    name: lifeEventName(row),
    kind,
    otherKind,
    startDate: dayMessage(startDate),
    endDate: endDate === null ? undefined : dayMessage(endDate),
    certainty,
    source,
    recordedBy,
    createTime,
    updateTime,
    retractTime: row.retractTime ?? undefined,
    etag: lifeEventEtag(row),
  };
}

/** What the world hears of a life event. */
export function lifeEventRecorded(row: LifeEventRecord): LifeEventRecorded {
  const { kind, otherKind, startDate, endDate, certainty, organisationPath, updateTime } = row;
  return {
    party: partyName(row.partyId),
    organisationPath,
    lifeEvent: lifeEventName(row),
    kind,
    otherKind,
    startDate: dayMessage(startDate),
    endDate: endDate === null ? undefined : dayMessage(endDate),
    certainty,
    recordTime: updateTime,
  };
}
