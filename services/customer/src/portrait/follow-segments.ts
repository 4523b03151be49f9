import { systemCaller } from '@rapport/kit/crypto';
import { covers, type Queryable, sql, type Tx } from '@rapport/kit/db';
import { TagEnd, TagSource } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { RESTRICTED } from '../party/party.js';
import { definitionColumns, type DefinitionRecord } from './definition.js';
import { endGrounds, type GroundRecord, setGrounds } from './portrait.js';

const caller = systemCaller('customer', 'FollowSegments');

/** That a party came into a segment, or left it. */
export interface SegmentMove {
  entered: boolean;
  /** `segments/{id}`. */
  segment: string;
  partyId: string;
  time: Date;
}

/** The definitions that segments set. */
export function segmentDefinitions(on: Queryable): Promise<DefinitionRecord[]> {
  return on.rows<DefinitionRecord>(sql`
    SELECT ${definitionColumns} FROM tag_definition d WHERE NOT d.retired AND d.segment <> ''`);
}

/**
 * Gives parties the tags of the segments that they came into and takes those of the segments that they left. Of several
 * moves of one party in and out of one segment only the last counts. Who is restricted comes into none.
 */
export async function followSegments(
  deps: Pick<Deps, 'clock'>,
  tx: Tx,
  moves: readonly SegmentMove[],
  definitions: readonly DefinitionRecord[],
): Promise<void> {
  const last = new Map(moves.map((move) => [`${move.partyId} ${move.segment}`, move]));
  const left = [...last.values()].filter(({ entered }) => !entered);
  if (left.length > 0) {
    const which = sql`g.source = ${TagSource.TAG_SOURCE_SEGMENTATION} AND (g.party_id, g.reference) IN (
      SELECT * FROM unnest(${left.map(({ partyId }) => partyId)}::uuid[], ${left.map(({ segment }) => segment)}::text[]))`;
    await endGrounds(tx, caller, which, TagEnd.TAG_END_SEGMENT, deps.clock.now());
  }
  const used = new Set(definitions.map(({ segment }) => segment));
  const came = [...last.values()].filter(({ entered, segment }) => entered && used.has(segment));
  if (came.length === 0) return;
  const parties = await tx.rows<{ partyId: string; organisationPath: string; manager: string }>(sql`
    SELECT party_id AS "partyId", organisation_path AS "organisationPath", manager FROM party
    WHERE party_id = ANY(${came.map(({ partyId }) => partyId)}::uuid[])
      AND state <> ${RESTRICTED} ORDER BY party_id FOR SHARE`);
  const places = new Map(parties.map((party) => [party.partyId, party]));
  const grounds: GroundRecord[] = [];
  for (const { partyId, segment, time } of came) {
    const party = places.get(partyId);
    for (const { tagId, organisationPath } of definitions.filter((one) => one.segment === segment)) {
      if (!party || !covers(organisationPath, party.organisationPath)) continue;
      grounds.push({
        ...party,
        tagId,
        source: TagSource.TAG_SOURCE_SEGMENTATION,
        reference: segment,
        setBy: caller.principal.subject,
        setTime: time,
        expireTime: null,
      });
    }
  }
  await setGrounds(tx, caller, grounds);
}
