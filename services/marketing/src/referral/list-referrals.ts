import { sql } from '@rapport/kit/db';
import { type Call, pageSize } from '@rapport/kit/rpc';
import type { ListReferralsRequest, ListReferralsResponse } from '@rapport/proto/marketing/v1';
import { idBefore, pageOf, underPath, uuidOf } from '../access/access.js';
import type { Deps } from '../deps.js';
import { membersOf } from '../merge/merge.js';
import { referralColumns, referralFilter, type ReferralRow, toReferral } from './referral.js';

export async function listReferrals(
  { db, reads }: Deps,
  request: ListReferralsRequest,
  call: Call,
): Promise<ListReferralsResponse> {
  const scope = call.scope;
  const { party, fromStaff, toStaff, state } = request;
  const rows = await db.scoped(scope).rows<ReferralRow>(sql`
    SELECT ${referralColumns} FROM referral
    WHERE referral_id < ${idBefore(call, request)}::uuid AND ${referralFilter(scope)}
      AND ${underPath(request.organisationPath)}
      ${party === '' ? sql.empty : sql`AND party_id = ANY(${membersOf(uuidOf(party) ?? null)})`}
      ${fromStaff === '' ? sql.empty : sql`AND from_staff = ${fromStaff}`}
      ${toStaff === '' ? sql.empty : sql`AND to_staff = ${toStaff}`}
      ${state === 0 ? sql.empty : sql`AND state = ${state}`}
    ORDER BY referral_id DESC LIMIT ${pageSize(request) + 1}`);
  const { page, nextPageToken } = pageOf(call, request, rows, (row) => row.referralId);
  const referrals = page.map(toReferral);
  await reads.record(call, [...new Set(referrals.map((referral) => referral.party))]);
  return { referrals, nextPageToken };
}
