import { systemCaller } from '@rapport/kit/crypto';
import { covers, type Queryable, type Sql, sql, type Tx } from '@rapport/kit/db';
import { HoldingKind, HoldingRole, HoldingStatus, TagEnd, TagSource } from '@rapport/proto/customer/v1';
import { dayAt } from '../calendar/calendar.js';
import type { Deps } from '../deps.js';
import { membersOf, RESTRICTED } from '../party/party.js';
import { definitionColumns, definitionName, type DefinitionRecord, type Facts, ruleHolds } from './definition.js';
import { endGrounds, groundsOf, type GroundRecord, setGrounds } from './portrait.js';

const caller = systemCaller('customer', 'EvaluateTagRules');

interface PartyFacts extends Facts {
  partyId: string;
  aliases: string[];
  organisationPath: string;
  manager: string;
  restricted: boolean;
}

/** The definitions whose rule is in use. */
export function ruledDefinitions(on: Queryable): Promise<DefinitionRecord[]> {
  return on.rows<DefinitionRecord>(sql`
    SELECT ${definitionColumns} FROM tag_definition d WHERE NOT d.retired AND d.conditions <> '[]'::jsonb`);
}

/**
 * Looks at some parties anew, as the golden records that they are: sets the tags whose rules hold now and ends those
 * whose rules hold no more; whose processing is restricted has none until that is lifted. The same again changes
 * nothing. The parties are locked in the order of their ids, so that of two evaluations the later one sees what the
 * earlier one wrote.
 */
export async function applyRules(
  deps: Pick<Deps, 'clock' | 'bank'>,
  tx: Tx,
  partyIds: readonly string[],
  definitions: readonly DefinitionRecord[],
): Promise<void> {
  if (partyIds.length === 0 || definitions.length === 0) return;
  const now = deps.clock.now();
  const parties = await factsOf(tx, partyIds, dayAt(now, deps.bank.timeZone));
  const tagIds = definitions.map(({ tagId }) => tagId);
  const standing = await tx.rows<{ partyId: string; tagId: string }>(sql`
    SELECT g.party_id AS "partyId", g.tag_id AS "tagId" FROM ${groundsOf(parties.flatMap(membersOf))}
    WHERE g.tag_id = ANY(${tagIds}::text[]) AND g.source = ${TagSource.TAG_SOURCE_RULE}`);
  const held = new Set(standing.map(({ partyId, tagId }) => `${partyId} ${tagId}`));
  const wanted: GroundRecord[] = [];
  const over: { partyId: string; tagId: string }[] = [];
  for (const party of parties) {
    for (const definition of definitions) {
      const { tagId, conditions, version, retired, organisationPath } = definition;
      const holds =
        !retired &&
        !party.restricted &&
        covers(organisationPath, party.organisationPath) &&
        ruleHolds(conditions, party);
      const has = membersOf(party).filter((id) => held.has(`${id} ${tagId}`));
      if (!holds) over.push(...has.map((partyId) => ({ partyId, tagId })));
      else if (has.length === 0) wanted.push(ground(party, tagId, version, now));
    }
  }
  await setGrounds(tx, caller, wanted);
  if (over.length === 0) return;
  const which = sql`g.source = ${TagSource.TAG_SOURCE_RULE} AND (g.party_id, g.tag_id) IN (
    SELECT * FROM unnest(${over.map(({ partyId }) => partyId)}::uuid[], ${over.map(({ tagId }) => tagId)}::text[]))`;
  await endGrounds(tx, caller, which, TagEnd.TAG_END_RULE, now);
}

function ground(
  { partyId, organisationPath, manager }: PartyFacts,
  tagId: string,
  version: number,
  now: Date,
): GroundRecord {
  return {
    partyId,
    tagId,
    source: TagSource.TAG_SOURCE_RULE,
    reference: `${definitionName(tagId)}@${version}`,
    setBy: caller.principal.subject,
    setTime: now,
    expireTime: null,
    organisationPath,
    manager,
  };
}

/** What the golden record p owns, each holding once. */
const owned: Sql = sql.raw(`SELECT DISTINCT r.holding_party_id, r.holding_id
  FROM unnest(p.party_id || p.aliases) AS member (id) CROSS JOIN LATERAL (
    SELECT * FROM holding_role r WHERE r.party_id = member.id AND r.role = ${HoldingRole.HOLDING_ROLE_OWNER} OFFSET 0) r`);

/** Locks the parties and reads what rules look at; `today` is `YYYY-MM-DD` in the bank's time zone. */
async function factsOf(tx: Tx, partyIds: readonly string[], today: string): Promise<PartyFacts[]> {
  const golden = await tx.rows<{ id: string }>(sql`
    SELECT DISTINCT golden_id AS id FROM party WHERE party_id = ANY(${[...new Set(partyIds)]}::uuid[])`);
  const ids = golden.map(({ id }) => id);
  await tx.run(sql`SELECT FROM party WHERE party_id = ANY(${ids}::uuid[]) ORDER BY party_id FOR NO KEY UPDATE`);
  return tx.rows<PartyFacts>(sql`
    SELECT p.party_id AS "partyId", p.aliases, p.organisation_path AS "organisationPath", p.manager,
      p.state = ${RESTRICTED} AS restricted,
      date_part('year', age(${today}::date, p.birth_date))::int AS "ageYears", coalesce(h.open, 0) AS "openHoldings",
      coalesce(h.accounts, 0) AS "openAccounts", coalesce(h.loans, 0) AS "openLoans", coalesce(h.cards, 0) AS "openCards",
      b.balances, ${today}::date - h.first AS "customerDays"
    FROM party p
    CROSS JOIN LATERAL (
      SELECT count(*) FILTER (WHERE o.open)::int AS open, min(o.opened_date) AS first,
        count(*) FILTER (WHERE o.open AND o.kind = ${HoldingKind.HOLDING_KIND_ACCOUNT})::int AS accounts,
        count(*) FILTER (WHERE o.open AND o.kind = ${HoldingKind.HOLDING_KIND_LOAN})::int AS loans,
        count(*) FILTER (WHERE o.open AND o.kind = ${HoldingKind.HOLDING_KIND_CARD})::int AS cards
      FROM (${owned}) r CROSS JOIN LATERAL (
        SELECT h.kind, h.opened_date, h.status = ${HoldingStatus.HOLDING_STATUS_OPEN} AS open FROM holding h
        WHERE h.party_id = r.holding_party_id AND h.holding_id = r.holding_id OFFSET 0) o) h
    CROSS JOIN LATERAL (
      SELECT jsonb_object_agg(s.currency, s.sum) AS balances FROM (
        SELECT o.currency, sum(o.balance)::text AS sum FROM (${owned}) r CROSS JOIN LATERAL (
          SELECT h.currency, h.balance FROM holding h
          WHERE h.party_id = r.holding_party_id AND h.holding_id = r.holding_id AND h.balance IS NOT NULL
            AND h.status = ${HoldingStatus.HOLDING_STATUS_OPEN} OFFSET 0) o
        GROUP BY o.currency) s) b
    WHERE p.party_id = ANY(${ids}::uuid[]) AND p.merged_into IS NULL`);
}
