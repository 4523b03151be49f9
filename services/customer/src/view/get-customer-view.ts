import { type GroupedRead, type Scope, type Sql, sql } from '@rapport/kit/db';
import { type Call, scopeFor } from '@rapport/kit/rpc';
import {
  type CustomerView,
  CustomerViewPart,
  type GetCustomerViewRequest,
  type GetCustomerViewResponse,
  GoalState,
  type GoldenRecordPart,
  HoldingRole,
  HoldingStatus,
  type HouseholdsPart,
  type PreferencesPart,
  type RelationshipsPart,
} from '@rapport/proto/customer/v1';
import { seen } from '../access/access.js';
import {
  changeColumns,
  changeFromJson,
  changeMessage,
  type ChangeRecord,
  eventColumns,
  type EventRecord,
} from '../behaviour/behaviour.js';
import { dayAt } from '../calendar/calendar.js';
import { consentColumns, consentFromJson, consentMessage, type ConsentRecord } from '../consent/consent.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { goalFromJson, goalJsonColumns, goalMessage, type GoalProgress } from '../goal/goal.js';
import { openedRecord } from '../golden/golden.js';
import { holdingFromJson, holdingJsonColumns, holdingMessage, type HoldingRecord } from '../holding/holding.js';
import { householdsOf } from '../household/household.js';
import {
  lifeEventColumns,
  lifeEventFromJson,
  lifeEventMessage,
  type LifeEventRecord,
  sensitiveKinds,
} from '../life-event/life-event.js';
import {
  golden,
  membersOf,
  partyColumnsIn,
  partyIdIn,
  partyMessage,
  partyName,
  type PartyRecord,
} from '../party/party.js';
import { latestPreferences, preferencesMessage } from '../preferences/preferences.js';
import { relationshipMessage, relationshipsOf } from '../relationship/relationship.js';
import { tagColumns, tagFromJson, tagMessages, type TagRow } from '../portrait/portrait.js';
import {
  behaviourEntry,
  type Entry,
  interactionColumns,
  interactionEntry,
  interactionFromJson,
  interactionMessage,
  type InteractionRecord,
  lifeEventEntry,
  newestFirst,
  stepColumns,
  stepEntry,
  stepFromJson,
  type StepRecord,
  transactionEntry,
  transactionFromJson,
  transactionJsonColumns,
  type TransactionRecord,
} from '../timeline/timeline.js';

const MOST_HOLDINGS = 200;
const MOST_INTERACTIONS = 20;
/** Life events, goals and changes of behaviour. */
const MOST_FEW = 20;

/** One row holds the whole view; the parts come as JSON. */
interface ViewRow extends PartyRecord {
  holdings: HoldingRecord[] | null;
  holdingsTotal: number;
  balances: { kind: number; currency: string; holdings: number; balance: string; time: string }[] | null;
  transactions: TransactionRecord[] | null;
  interactions: InteractionRecord[] | null;
  consents: ConsentRecord[] | null;
  tags: TagRow[] | null;
  behaviour: EventRecord[] | null;
  steps: StepRecord[] | null;
  lifeEvents: (LifeEventRecord & { time: string })[] | null;
  goals: GoalProgress[] | null;
  changes: ChangeRecord[] | null;
  readTime: Date;
}

/**
 * Gives everything about a party as of one moment, each part with the time it is true for. Parts that are asked for by
 * name are read beside it, and given to whom the method that gives them alone would give them.
 */
export async function getCustomerView(
  deps: Deps,
  request: GetCustomerViewRequest,
  call: Call,
): Promise<GetCustomerViewResponse> {
  const size = request.timelineSize || 20;
  const scope = scopeFor(call, 'C2');
  const row = await golden(partyIdIn(request.name), (id) =>
    deps.db.grouped(scope, viewsOf(size, deps.bank.timeZone), id),
  );
  if (!row) throw fail('PARTY_NOT_FOUND', { metadata: { party: request.name } });
  const view = viewOf(deps, row, size, scope);
  if (request.parts.length === 0) {
    await deps.reads.record(call, partyName(row.partyId));
    return { view };
  }
  const wanted = new Set(request.parts);
  const [goldenRecord, households, preferences, relationships] = await Promise.all([
    wanted.has(CustomerViewPart.CUSTOMER_VIEW_PART_GOLDEN_RECORD) ? goldenRecordPart(deps, row, call) : undefined,
    wanted.has(CustomerViewPart.CUSTOMER_VIEW_PART_HOUSEHOLDS) ? householdsPart(deps, row, call) : undefined,
    wanted.has(CustomerViewPart.CUSTOMER_VIEW_PART_PREFERENCES) ? preferencesPart(deps, row, call) : undefined,
    wanted.has(CustomerViewPart.CUSTOMER_VIEW_PART_RELATIONSHIPS) ? relationshipsPart(deps, row, call) : undefined,
  ]);
  const given = { households, preferences, relationships };
  const below = Object.entries(given).filter(([, part]) => part !== undefined);
  const name = partyName(row.partyId);
  await deps.reads.record(call, [name, ...below.map(([part]) => `${name}/${part}`)]);
  return { view: { ...view, goldenRecord, ...given } };
}

/** Where the fields come from, for whom `GetGoldenRecord` would say it of this party. */
async function goldenRecordPart(deps: Deps, row: ViewRow, call: Call): Promise<GoldenRecordPart | undefined> {
  const scope = call.seesBy('rapport.customer.v1.GoldenService/GetGoldenRecord', 'C2');
  if (scope.kind === 'nothing') return undefined;
  const asOf = deps.clock.now();
  const goldenRecord = await openedRecord(deps.db.scoped(scope), deps, row.partyId, scope);
  return goldenRecord && { goldenRecord: { ...goldenRecord, party: undefined }, asOf };
}

/** The households, for whom `ListHouseholds` would give them. */
async function householdsPart(deps: Deps, row: ViewRow, call: Call): Promise<HouseholdsPart | undefined> {
  const scope = call.seesBy('rapport.customer.v1.HouseholdService/ListHouseholds', 'C2');
  if (scope.kind === 'nothing') return undefined;
  const asOf = deps.clock.now();
  return { households: await householdsOf(deps.db.scoped(scope), membersOf(row), scope), asOf };
}

/** How the party likes to be served, for whom `GetPreferences` would say it. */
async function preferencesPart(deps: Deps, row: ViewRow, call: Call): Promise<PreferencesPart | undefined> {
  const scope = call.seesBy('rapport.customer.v1.HouseholdService/GetPreferences', 'C2');
  if (scope.kind === 'nothing') return undefined;
  const asOf = deps.clock.now();
  return { preferences: preferencesMessage(await latestPreferences(deps.db.scoped(scope), row)), asOf };
}

/** How the party stands to others, for whom `ListRelationships` would say it. */
async function relationshipsPart(deps: Deps, row: ViewRow, call: Call): Promise<RelationshipsPart | undefined> {
  const scope = call.seesBy('rapport.customer.v1.HouseholdService/ListRelationships', 'C2');
  if (scope.kind === 'nothing') return undefined;
  const asOf = deps.clock.now();
  const rows = await relationshipsOf(deps.db.scoped(scope), membersOf(row), scope, {
    today: dayAt(asOf, deps.bank.timeZone),
    history: false,
    after: undefined,
    limit: MOST_FEW + 1,
  });
  const relationships = rows.slice(0, MOST_FEW).map(relationshipMessage);
  return { relationships, more: rows.length > MOST_FEW, asOf };
}

const viewsBySize = new Map<string, GroupedRead<ViewRow>>();

/** Views with so many entries of the timeline. Calls that arrive together share a statement, and few of them do. */
function viewsOf(size: number, timeZone: string): GroupedRead<ViewRow> {
  const known = viewsBySize.get(`${size} ${timeZone}`) ?? {
    query: (ids: readonly string[], scope: Scope) => viewQuery(ids, size, scope, timeZone),
    key: ({ partyId }: ViewRow) => partyId,
    most: 16,
  };
  viewsBySize.set(`${size} ${timeZone}`, known);
  return known;
}

/**
 * The views of parties, a row each; days begin in `timeZone`. What is kept with a party stands where the party stands, so that one condition on the
 * party decides for all of it; holdings may belong elsewhere and have their own. A golden record has what its members
 * have, a joint holding once. Transactions are read backwards through their primary key, once per owned account. OFFSET
 * keeps the holdings from being joined as a whole table, which a plan made once for all parties does while the table is
 * small; only the one partition of each is read. To make the plan's scans of all partitions ready takes Postgres longer
 * than to read one view, and is done once for all of a statement.
 */
export function viewQuery(ids: readonly string[], size: number, scope: Scope, timeZone = 'UTC'): Sql {
  const interactions = Math.max(size, MOST_INTERACTIONS);
  return sql`
    WITH party AS MATERIALIZED (
      SELECT * FROM party
      WHERE party_id = ANY(${ids}::uuid[])
        AND ${seen(scope, 'party')}
    ), member AS MATERIALIZED (
      SELECT party_id AS golden, unnest(party_id || aliases) AS id FROM party
    ), has AS MATERIALIZED (
      SELECT r.golden, r.role, h.* FROM (
        SELECT member.golden, r.holding_party_id, r.holding_id, min(r.role) AS role
        FROM member CROSS JOIN LATERAL (SELECT * FROM holding_role r WHERE r.party_id = member.id OFFSET 0) r
        GROUP BY member.golden, r.holding_party_id, r.holding_id) r
      CROSS JOIN LATERAL (
        SELECT * FROM holding h WHERE h.party_id = r.holding_party_id AND h.holding_id = r.holding_id
          AND ${seen(scope, 'h')} OFFSET 0) h
    )
    SELECT ${partyColumnsIn(scope)}, statement_timestamp() AS "readTime",
      (SELECT json_agg(x) FROM (SELECT ${holdingJsonColumns} FROM has h WHERE h.golden = party.party_id
        ORDER BY h.opened_date NULLS FIRST, h.holding_id LIMIT ${MOST_HOLDINGS}) x) AS holdings,
      (SELECT count(*)::int FROM has h WHERE h.golden = party.party_id) AS "holdingsTotal",
      (SELECT json_agg(x) FROM (SELECT kind, currency, count(*)::int AS holdings, sum(balance)::text AS balance,
          max(balance_time) AS time
        FROM has h WHERE h.golden = party.party_id AND role = ${HoldingRole.HOLDING_ROLE_OWNER}
          AND status = ${HoldingStatus.HOLDING_STATUS_OPEN} AND balance IS NOT NULL
        GROUP BY kind, currency ORDER BY kind, currency) x) AS balances,
      (SELECT json_agg(x) FROM (SELECT ${transactionJsonColumns} FROM has h CROSS JOIN LATERAL (
          SELECT * FROM transaction t WHERE t.party_id = h.party_id AND t.holding_id = h.holding_id
          ORDER BY t.time DESC, t.sequence DESC, t.transaction_id DESC LIMIT ${size}) t
        WHERE h.golden = party.party_id AND h.role = ${HoldingRole.HOLDING_ROLE_OWNER} AND h.kind NOT IN (4, 7)
        ORDER BY t.time DESC, t.sequence DESC, t.transaction_id DESC LIMIT ${size}) x) AS transactions,
      (SELECT json_agg(x) FROM (SELECT ${interactionColumns} FROM member CROSS JOIN LATERAL (
          SELECT * FROM interaction i WHERE i.party_id = member.id
          ORDER BY i.time DESC, i.interaction_id DESC LIMIT ${interactions}) i
        WHERE member.golden = party.party_id
        ORDER BY i.time DESC, i.interaction_id DESC LIMIT ${interactions}) x) AS interactions,
      (SELECT json_agg(x) FROM (SELECT DISTINCT ON (c.purpose, c.channel) ${consentColumns}
        FROM member CROSS JOIN LATERAL (SELECT * FROM consent c WHERE c.party_id = member.id OFFSET 0) c
        WHERE member.golden = party.party_id
        ORDER BY c.purpose, c.channel, c.effective_time DESC, c.consent_id DESC) x) AS consents,
      (SELECT json_agg(x) FROM (SELECT ${tagColumns}
        FROM member CROSS JOIN LATERAL (SELECT * FROM party_tag g WHERE g.party_id = member.id OFFSET 0) g
          JOIN tag_definition d ON d.tag_id = g.tag_id
        WHERE member.golden = party.party_id AND d.data_class < 3
          AND (g.expire_time IS NULL OR g.expire_time > statement_timestamp())) x) AS tags,
      (SELECT json_agg(x) FROM (SELECT ${eventColumns} FROM member CROSS JOIN LATERAL (
          SELECT * FROM behaviour_event e WHERE e.party_id = member.id
          ORDER BY e.time DESC, e.event_id DESC LIMIT ${size}) e
        WHERE member.golden = party.party_id
        ORDER BY e.time DESC, e.event_id DESC LIMIT ${size}) x) AS behaviour,
      (SELECT json_agg(x) FROM (SELECT ${stepColumns} FROM member CROSS JOIN LATERAL (
          SELECT * FROM service_step s WHERE s.party_id = member.id
          ORDER BY s.time DESC, s.step_id DESC LIMIT ${size}) s
        WHERE member.golden = party.party_id
        ORDER BY s.time DESC, s.step_id DESC LIMIT ${size}) x) AS steps,
      (SELECT json_agg(x) FROM (SELECT ${lifeEventColumns}, l.start_date::timestamp AT TIME ZONE ${timeZone} AS time
        FROM member CROSS JOIN LATERAL (SELECT * FROM life_event l WHERE l.party_id = member.id OFFSET 0) l
        WHERE member.golden = party.party_id AND l.retract_time IS NULL
          AND l.kind <> ALL(${[...sensitiveKinds]}::smallint[])
        ORDER BY l.start_date DESC, l.life_event_id DESC LIMIT ${Math.max(size, MOST_FEW)}) x) AS "lifeEvents",
      (SELECT json_agg(x) FROM (SELECT ${goalJsonColumns}
        FROM member CROSS JOIN LATERAL (SELECT * FROM goal o WHERE o.party_id = member.id OFFSET 0) o
        WHERE member.golden = party.party_id AND o.state <> ${GoalState.GOAL_STATE_ABANDONED}
        ORDER BY o.goal_id DESC LIMIT ${MOST_FEW}) x) AS goals,
      (SELECT json_agg(x) FROM (SELECT ${changeColumns} FROM member CROSS JOIN LATERAL (
          SELECT * FROM behaviour_change c WHERE c.party_id = member.id
          ORDER BY c.change_id DESC LIMIT ${MOST_FEW}) c
        WHERE member.golden = party.party_id ORDER BY c.change_id DESC LIMIT ${MOST_FEW}) x) AS changes
    FROM party`;
}

function viewOf(deps: Deps, row: ViewRow, size: number, scope: Scope): CustomerView {
  const asOf = row.readTime;
  const interactions = (row.interactions ?? []).map(interactionFromJson);
  const lifeEvents = (row.lifeEvents ?? []).map((json) => ({ ...lifeEventFromJson(json), time: new Date(json.time) }));
  const entries: Entry[] = [
    ...(row.transactions ?? []).map((json) => transactionEntry(transactionFromJson(json))),
    ...interactions.map(interactionEntry),
    ...(row.behaviour ?? []).map((json) => behaviourEntry({ ...json, time: new Date(json.time) })),
    ...(row.steps ?? []).map((json) => stepEntry(stepFromJson(json))),
    ...lifeEvents.map(lifeEventEntry),
  ];
  const times = (row.balances ?? []).map(({ time }) => Date.parse(time));
  return {
    party: { party: partyMessage(deps, row, scope), asOf: row.updateTime },
    holdings: {
      holdings: (row.holdings ?? []).map((json) => holdingMessage(deps, holdingFromJson(json))),
      total: row.holdingsTotal,
      asOf,
    },
    balances: {
      balances: (row.balances ?? []).map(({ kind, currency, holdings, balance }) => ({
        kind,
        holdings,
        balance: { minorUnits: BigInt(balance), currencyCode: currency },
      })),
      asOf: times.length > 0 ? new Date(Math.max(...times)) : undefined,
    },
    timeline: {
      entries: entries
        .sort(newestFirst)
        .slice(0, size)
        .map(({ message }) => message),
      asOf,
    },
    interactions: { interactions: interactions.slice(0, MOST_INTERACTIONS).map(interactionMessage), asOf },
    consents: { consents: (row.consents ?? []).map((json) => consentMessage(consentFromJson(json))), asOf },
    portrait: { tags: tagMessages(partyName(row.partyId), (row.tags ?? []).map(tagFromJson)), asOf },
    lifeEvents: { lifeEvents: lifeEvents.slice(0, MOST_FEW).map(lifeEventMessage), asOf },
    goals: { goals: (row.goals ?? []).map((json) => goalMessage(goalFromJson(json))), asOf },
    behaviourChanges: {
      behaviourChanges: (row.changes ?? []).map((json) => changeMessage(changeFromJson(json))),
      asOf,
    },
    goldenRecord: undefined,
    households: undefined,
    preferences: undefined,
    relationships: undefined,
  };
}
