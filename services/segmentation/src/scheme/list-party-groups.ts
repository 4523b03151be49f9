import { sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize } from '@rapport/kit/rpc';
import type { ListPartyGroupsRequest, ListPartyGroupsResponse, PartyGroup } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { factFilter } from '../fact/fact.js';
import { goldenOf } from '../merge/merge.js';
import { dateMessage, today } from '../segment/segment.js';
import { parseSchemeName, planOf, type SchemeRow, schemeRows, versionGroups } from './scheme.js';

interface AssignedRow {
  scheme: string;
  group: string;
  score: number | null;
  from_date: number;
  current: number;
}

/** What the group entitles to, when it is a tier. */
function privilegesOf(row: SchemeRow, groupId: string): PartyGroup['privileges'] {
  const { kind } = planOf(row);
  if (kind?.$case !== 'tiers') return [];
  return kind.value.tiers.find(({ group }) => group?.groupId === groupId)?.privileges ?? [];
}

/** Gives the groups of the computed schemes in use that a party is and was in. Throws PARTY_NOT_FOUND. */
export async function listPartyGroups(
  deps: Deps,
  request: ListPartyGroupsRequest,
  call: Call,
): Promise<ListPartyGroupsResponse> {
  const size = pageSize(request);
  const [afterScheme, afterDay] = decodePage(call, request, 'string', 'number') ?? ['', 0];
  const asked = request.party.slice('parties/'.length);
  const party = (await goldenOf(deps.db.system, [asked])).get(asked) ?? asked;
  const where = factFilter(call.scope, '', { manager: true });
  const [seen] = await deps.analytics.query<{ n: number }>(
    `SELECT count() AS n FROM (SELECT * FROM party FINAL WHERE party = {party:UUID} AND state != 'restricted')
      WHERE ${where.text}`,
    { ...where.parameters, party },
    { signal: call.signal },
  );
  if (!seen?.n) throw fail('PARTY_NOT_FOUND', { metadata: { party: request.party } });
  // A party's group is part of the party: whoever sees the party sees it, wherever the scheme belongs.
  const { schemeId } = parseSchemeName(request.scheme);
  const schemes = await deps.db.system.rows<SchemeRow>(sql`${schemeRows}
    WHERE v.state = 3 AND (${schemeId} = '' OR s.scheme_id = ${schemeId}) ORDER BY s.scheme_id`);
  const bySchemeId = new Map(schemes.map((row) => [row.scheme_id, row]));
  const rows = await deps.analytics.query<AssignedRow>(
    `SELECT scheme, \`group\`, score, from_date, from_date = max(from_date) OVER (PARTITION BY scheme) AS current
      FROM (SELECT * FROM assigned FINAL
        WHERE party = {party:UUID} AND scheme IN {schemes:Array(String)} AND from_date <= {today:Int32})
      ORDER BY scheme, from_date DESC`,
    { party, schemes: [...bySchemeId.keys()], today: today(deps) },
    { signal: call.signal },
  );
  const rest = rows.filter(
    ({ scheme, from_date: day }) => scheme > afterScheme || (scheme === afterScheme && day < afterDay),
  );
  const page = rest.slice(0, size);
  const groups = page.flatMap((one): PartyGroup[] => {
    const row = bySchemeId.get(one.scheme);
    if (!row) return [];
    const title = versionGroups(row).find((group) => group.title.groupId === one.group)?.title;
    return [
      {
        scheme: `schemes/${one.scheme}`,
        group: title ?? { groupId: one.group, title: '', titleZh: '' },
        score: one.score ?? 0,
        fromDate: dateMessage(one.from_date),
        current: one.current === 1,
        privileges: one.current === 1 ? privilegesOf(row, one.group) : [],
      },
    ];
  });
  await deps.reads.record(call, request.party);
  const last = page.at(-1);
  return {
    groups,
    nextPageToken: rest.length > size && last ? encodePage(call, request, [last.scheme, last.from_date]) : '',
  };
}
