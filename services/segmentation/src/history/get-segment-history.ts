import { sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize } from '@rapport/kit/rpc';
import type {
  GetSegmentHistoryRequest,
  GetSegmentHistoryResponse,
  MembershipReason,
} from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { dateMessage, dateText, dayOf, findVersions, parseName, requestedDay, today } from '../segment/segment.js';
import { checkPeriod, daysAfter } from './history.js';

/** Days that are shown unless told. */
const USUAL = 90;
/** Three years and a bit. */
const MOST = 1100;

interface DayRow {
  day: string;
  version: number;
  entered: bigint;
  exited: bigint;
  members: bigint;
  reasons: { reason: MembershipReason; entered: number; exited: number }[];
}

/** Gives how many members a segment had day by day, and why. Throws SEGMENT_NOT_FOUND, DATE_INVALID, PERIOD_INVALID. */
export async function getSegmentHistory(
  deps: Deps,
  request: GetSegmentHistoryRequest,
  call: Call,
): Promise<GetSegmentHistoryResponse> {
  const { db } = deps;
  const size = pageSize(request);
  const { segmentId, version } = parseName(request.name);
  // Its members all lie under its path: whoever reaches the segment may know how many they are.
  const versions = await findVersions(db.scoped(call.scope), call.scope, segmentId);
  if (version !== undefined && !versions.some((row) => row.version === version)) {
    throw fail('SEGMENT_NOT_FOUND', { metadata: { segment: request.name } });
  }
  const to = requestedDay(request.to, 'to') ?? today(deps);
  const from = requestedDay(request.from, 'from') ?? daysAfter(to, -USUAL);
  checkPeriod(from, to, MOST);
  const [day, after] = decodePage(call, request, 'string', 'number') ?? ['0001-01-01', 0];
  const first = sql`${dateText(from)}::date`;
  const only = version === undefined ? sql`TRUE` : sql`version = ${version}`;
  // What came before the first day is folded into it, so that the sizes are right from there on.
  const rows = await db.scoped(call.scope).rows<DayRow>(sql`
    SELECT * FROM (
      SELECT shown AS day, version, coalesce(sum(entered) FILTER (WHERE day = shown), 0)::bigint AS entered,
        coalesce(sum(exited) FILTER (WHERE day = shown), 0)::bigint AS exited,
        (sum(sum(entered) - sum(exited)) OVER (PARTITION BY version ORDER BY shown))::bigint AS members,
        coalesce(jsonb_agg(jsonb_build_object('reason', reason, 'entered', entered, 'exited', exited) ORDER BY reason)
          FILTER (WHERE day = shown), '[]') AS reasons
      FROM (
        SELECT *, greatest(day, ${first}) AS shown FROM segment_day
        WHERE segment_id = ${segmentId} AND day <= ${dateText(to)}::date AND ${only}) folded
      GROUP BY shown, version) counted
    WHERE (members > 0 OR entered > 0 OR exited > 0) AND (day, version) > (${day}::date, ${after})
    ORDER BY day, version LIMIT ${size + 1}`);
  const page = rows.slice(0, size);
  const last = page.at(-1);
  return {
    days: page.map((row) => ({
      day: dateMessage(dayOf(row.day) ?? from),
      version: row.version,
      members: row.members,
      entered: row.entered,
      exited: row.exited,
      reasons: row.reasons.map((one) => ({
        reason: one.reason,
        entered: BigInt(one.entered),
        exited: BigInt(one.exited),
      })),
    })),
    nextPageToken: rows.length > size && last ? encodePage(call, request, [last.day, last.version]) : '',
  };
}
