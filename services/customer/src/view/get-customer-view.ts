import { type GroupedRead, type Scope, type Sql, sql } from '@rapport/kit/db';
import { type Call, encodePage, scopeFor } from '@rapport/kit/rpc';
import {
  type CustomerView,
  CustomerViewPart,
  type GetCustomerViewRequest,
  type GetCustomerViewResponse,
  GoalState,
  HoldingRole,
  HoldingStatus,
  ListTimelineRequest,
  type TimelinePart,
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
import { consentColumns, consentFromJson, consentMessage, type ConsentRecord } from '../consent/consent.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { goalFromJson, goalJsonColumns, goalMessage, type GoalProgress } from '../goal/goal.js';
import { holdingFromJson, holdingJsonColumns, holdingMessage, type HoldingRecord } from '../holding/holding.js';
import {
  lifeEventColumns,
  lifeEventFromJson,
  lifeEventMessage,
  type LifeEventRecord,
  sensitiveKinds,
} from '../life-event/life-event.js';
import { golden, partyColumnsIn, partyIdIn, partyMessage, partyName, type PartyRecord } from '../party/party.js';
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

import { type Asked, askedColumns, askedParts, type AskedRow, nothingMore } from './asked-parts.js';
import {
  dataSubjectRequestsPart,
  goldenRecordPart,
  householdsPart,
  partyNamesPart,
  preferencesPart,
  relationshipsPart,
} from './beside-parts.js';

const MOST_HOLDINGS = 200;
const MOST_INTERACTIONS = 20;
/** Life events, goals and changes of behaviour. */
const MOST_FEW = 20;

/** One row holds the whole view; the parts come as JSON. */
interface ViewRow extends PartyRecord, AskedRow {
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
  const wanted = new Set(request.parts);
  const { timeZone } = deps.bank;
  const asked = askedColumns(wanted, call, timeZone);
  const row = await golden(partyIdIn(request.name), (id) =>
    wanted.size === 0
      ? deps.db.grouped(scope, viewsOf(size, timeZone), id)
      : deps.db.scoped(scope).maybe<ViewRow>(viewQuery([id], size, scope, timeZone, asked)),
  );
  if (!row) throw fail('PARTY_NOT_FOUND', { metadata: { party: request.name } });
  const view = viewOf(deps, row, { size, scope, name: request.name });
  const name = partyName(row.partyId);
  if (wanted.size === 0) {
    await deps.reads.record(call, name);
    return { view };
  }
  const given = { ...askedParts(deps, row, row.readTime), ...(await besideParts(deps, row, call, wanted)) };
  const { goldenRecord: _golden, quality: _quality, partyNames, ...below } = given;
  const shown = Object.entries(below).filter(([, part]) => part !== undefined);
  const named = (partyNames?.labels ?? []).map(({ party }) => party);
  await deps.reads.record(call, [...new Set([name, ...shown.map(([part]) => `${name}/${part}`), ...named])]);
  return { view: { ...view, ...given } };
}

type Beside = Pick<
  CustomerView,
  'goldenRecord' | 'households' | 'preferences' | 'relationships' | 'dataSubjectRequests' | 'partyNames'
>;

/** The parts that take statements of their own. */
async function besideParts(
  deps: Deps,
  row: ViewRow,
  call: Call,
  wanted: ReadonlySet<CustomerViewPart>,
): Promise<Beside> {
  const [goldenRecord, households, preferences, relationships, dataSubjectRequests] = await Promise.all([
    wanted.has(CustomerViewPart.CUSTOMER_VIEW_PART_GOLDEN_RECORD) ? goldenRecordPart(deps, row, call) : undefined,
    wanted.has(CustomerViewPart.CUSTOMER_VIEW_PART_HOUSEHOLDS) ? householdsPart(deps, row, call) : undefined,
    wanted.has(CustomerViewPart.CUSTOMER_VIEW_PART_PREFERENCES) ? preferencesPart(deps, row, call) : undefined,
    wanted.has(CustomerViewPart.CUSTOMER_VIEW_PART_RELATIONSHIPS) ? relationshipsPart(deps, row, call) : undefined,
    wanted.has(CustomerViewPart.CUSTOMER_VIEW_PART_DATA_SUBJECT_REQUESTS)
      ? dataSubjectRequestsPart(deps, row, call)
      : undefined,
  ]);
  const partyNames = wanted.has(CustomerViewPart.CUSTOMER_VIEW_PART_PARTY_NAMES)
    ? await partyNamesPart(deps, { households, relationships }, call)
    : undefined;
  return { goldenRecord, households, preferences, relationships, dataSubjectRequests, partyNames };
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
export function viewQuery(
  ids: readonly string[],
  size: number,
  scope: Scope,
  timeZone = 'UTC',
  asked: Asked = nothingMore,
): Sql {
  const interactions = Math.max(size, MOST_INTERACTIONS);
  const { sensitive } = asked;
  const sensitiveTags = sensitive ? seen(sensitive.tags, 'g') : sql`false`;
  const sensitiveLifeEvents = sensitive ? seen(sensitive.lifeEvents, 'l') : sql`false`;
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
        WHERE member.golden = party.party_id AND (d.data_class < 3 OR ${sensitiveTags})
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
          AND (l.kind <> ALL(${[...sensitiveKinds]}::smallint[]) OR ${sensitiveLifeEvents})
        ORDER BY l.start_date DESC, l.life_event_id DESC LIMIT ${Math.max(size, MOST_FEW)}) x) AS "lifeEvents",
      (SELECT json_agg(x) FROM (SELECT ${goalJsonColumns}
        FROM member CROSS JOIN LATERAL (SELECT * FROM goal o WHERE o.party_id = member.id OFFSET 0) o
        WHERE member.golden = party.party_id AND o.state <> ${GoalState.GOAL_STATE_ABANDONED}
        ORDER BY o.goal_id DESC LIMIT ${MOST_FEW}) x) AS goals,
      (SELECT json_agg(x) FROM (SELECT ${changeColumns} FROM member CROSS JOIN LATERAL (
          SELECT * FROM behaviour_change c WHERE c.party_id = member.id
          ORDER BY c.change_id DESC LIMIT ${MOST_FEW}) c
        WHERE member.golden = party.party_id ORDER BY c.change_id DESC LIMIT ${MOST_FEW}) x) AS changes
      ${asked.columns}
    FROM party`;
}

/** The timeline's entries, newest first, and where it goes on. */
function timelineOf(entries: Entry[], name: string, size: number): Pick<TimelinePart, 'entries' | 'nextPageToken'> {
  const shown = entries.sort(newestFirst).slice(0, size);
  const last = shown.at(size - 1);
  const method = 'rapport.customer.v1.CustomerService/ListTimeline';
  const request = ListTimelineRequest.fromPartial({ parent: name });
  return {
    entries: shown.map(({ message }) => message),
    nextPageToken: last ? encodePage({ method }, request, [last.time, last.sequence, last.id]) : '',
  };
}

function viewOf(
  deps: Deps,
  row: ViewRow,
  { size, scope, name }: { size: number; scope: Scope; name: string },
): CustomerView {
  const asOf = row.readTime;
  const interactions = (row.interactions ?? []).map(interactionFromJson);
  const lifeEvents = (row.lifeEvents ?? []).map((json) => ({ ...lifeEventFromJson(json), time: new Date(json.time) }));
  const entries: Entry[] = [
    ...(row.transactions ?? []).map((json) => transactionEntry(transactionFromJson(json))),
    ...interactions.map(interactionEntry),
    ...(row.behaviour ?? []).map((json) => behaviourEntry({ ...json, time: new Date(json.time) })),
    ...(row.steps ?? []).map((json) => stepEntry(stepFromJson(json))),
    ...lifeEvents.filter(({ kind }) => !sensitiveKinds.includes(kind)).map(lifeEventEntry),
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
    timeline: { ...timelineOf(entries, name, size), asOf },
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
    spending: undefined,
    assignments: undefined,
    quality: undefined,
    merges: undefined,
    baselines: undefined,
    dataSubjectRequests: undefined,
    partyNames: undefined,
  };
}
