import { type Queryable, type Sql, sql } from '@rapport/kit/db';
import type { CaseType } from '@rapport/proto/cases/v1';
import { addBusinessTime, type BusinessHours, businessHours, type WeeklyRange } from '../calendar/calendar.js';

const HOUR_MS = 3_600_000;

/** A case type as stored. */
export interface TypeRow {
  caseTypeId: string;
  titleEn: string;
  titleZh: string;
  isComplaint: boolean;
  responseHours: number;
  resolutionHours: number;
  calendarId: string;
  createTime: Date;
}

export const typeColumns: Sql = sql.raw(
  `case_type_id AS "caseTypeId", title_en AS "titleEn", title_zh AS "titleZh", is_complaint AS "isComplaint",
   response_hours AS "responseHours", resolution_hours AS "resolutionHours", calendar_id AS "calendarId",
   case_type.create_time AS "createTime"`,
);

/** A case type with the hours that its promises are counted in. */
export interface ClockedType extends TypeRow {
  hours: BusinessHours;
}

/** Finds case types by id. */
export interface TypeCatalogue {
  find(caseTypeId: string): Promise<ClockedType | undefined>;
  /** The type of a case that is there: types are never removed. */
  get(caseTypeId: string): Promise<ClockedType>;
}

/** `caseTypes/{id}`. */
export function typeName(id: string): string {
  return `caseTypes/${id}`;
}

/** The id in `caseTypes/{id}`. */
export function typeIdIn(name: string): string {
  return name.slice('caseTypes/'.length);
}

export function typeMessage(row: TypeRow): CaseType {
  return {
    name: typeName(row.caseTypeId),
    titleEn: row.titleEn,
    titleZh: row.titleZh,
    isComplaint: row.isComplaint,
    responseHours: row.responseHours,
    resolutionHours: row.resolutionHours,
    calendar: `calendars/${row.calendarId}`,
    createTime: row.createTime,
  };
}

/** When a case received at `receiveTime` must have its first answer and its resolution. */
export function dueTimes(type: ClockedType, receiveTime: Date): { responseDueTime: Date; dueTime: Date } {
  return {
    responseDueTime: addBusinessTime(type.hours, receiveTime, type.responseHours * HOUR_MS),
    dueTime: addBusinessTime(type.hours, receiveTime, type.resolutionHours * HOUR_MS),
  };
}

/** A catalogue over the database. Types and calendars never change, so what was found once is remembered for good. */
export function openTypes(db: { system: Queryable }, bankTimeZone: string): TypeCatalogue {
  const known = new Map<string, ClockedType>();
  async function find(caseTypeId: string): Promise<ClockedType | undefined> {
    const remembered = known.get(caseTypeId);
    if (remembered) return remembered;
    const row = await db.system.maybe<TypeRow & { timeZone: string; weeklyHours: WeeklyRange[]; holidays: string[] }>(
      sql`
        SELECT ${typeColumns}, time_zone AS "timeZone", weekly_hours AS "weeklyHours", holidays
        FROM case_type JOIN calendar USING (calendar_id) WHERE case_type_id = ${caseTypeId}`,
    );
    if (!row) return undefined;
    const { timeZone, weeklyHours, holidays, ...type } = row;
    const found = { ...type, hours: businessHours(timeZone || bankTimeZone, weeklyHours, holidays) };
    known.set(caseTypeId, found);
    return found;
  }
  return {
    find,
    async get(caseTypeId) {
      const type = await find(caseTypeId);
      if (!type) throw new Error(`the case type ${caseTypeId} is gone`);
      return type;
    },
  };
}
