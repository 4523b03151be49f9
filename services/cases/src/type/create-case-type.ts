import { audit } from '@rapport/kit/crypto';
import { sql } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import { type CaseType, type CreateCaseTypeRequest, CreateCaseTypeResponse } from '@rapport/proto/cases/v1';
import { type CalendarRow, calendarColumns, calendarIdIn, weeklyMinutes } from '../calendar/calendar.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { typeMessage, typeName } from './type.js';

/** Ten years: a promise beyond them is a mistake, and counting to it would hold up the process. */
const MOST_WEEKS = 520;

/** Creates a case type for the whole installation. */
export async function createCaseType(
  deps: Deps,
  request: CreateCaseTypeRequest,
  call: Call,
): Promise<CreateCaseTypeResponse> {
  const type = request.caseType as CaseType;
  const { titleEn, titleZh, isComplaint, responseHours, resolutionHours } = type;
  if (resolutionHours < responseHours) {
    throw hoursInvalid('resolution_hours', 'must not be less than response_hours');
  }
  const calendarId = calendarIdIn(type.calendar);
  return idempotent(deps.db, call, request, CreateCaseTypeResponse, async (tx) => {
    const calendar = await tx.maybe<CalendarRow>(
      sql`SELECT ${calendarColumns} FROM calendar WHERE calendar_id = ${calendarId}`,
    );
    if (!calendar) {
      throw fail('CALENDAR_UNKNOWN', {
        violations: [{ field: 'case_type.calendar', description: 'does not exist' }],
      });
    }
    if (resolutionHours * 60 > weeklyMinutes(calendar.weeklyHours) * MOST_WEEKS) {
      throw hoursInvalid('resolution_hours', 'is more than ten years of business time on this calendar');
    }
    const known = await tx.maybe(sql`SELECT FROM case_type WHERE case_type_id = ${request.caseTypeId}`);
    if (known) throw fail('CASE_TYPE_EXISTS', { metadata: { case_type: typeName(request.caseTypeId) } });
    const row = await tx.prisma.caseType
      .create({
        data: {
          caseTypeId: request.caseTypeId,
          titleEn,
          titleZh,
          isComplaint,
          responseHours,
          resolutionHours,
          calendarId,
          createTime: deps.clock.now(),
        },
      })
      .catch(taken);
    await audit(tx, call, { resource: typeName(row.caseTypeId), change: { created: true } });
    return { caseType: typeMessage(row) };
  });
}

function hoursInvalid(field: string, description: string): Error {
  return fail('HOURS_INVALID', { violations: [{ field: `case_type.${field}`, description }] });
}

/** Prisma's code for a unique constraint: another call was faster. */
function taken(error: unknown): never {
  if (error instanceof Error && 'code' in error && error.code === 'P2002') throw fail('CASE_TYPE_EXISTS');
  throw error;
}
