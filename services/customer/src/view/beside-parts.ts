import { sql } from '@rapport/kit/db';
import { type Call, scopeFor } from '@rapport/kit/rpc';
import {
  type CustomerView,
  type DataSubjectRequestsPart,
  type GoldenRecordPart,
  type HouseholdsPart,
  type PartyNamesPart,
  type PreferencesPart,
  type RelationshipsPart,
} from '@rapport/proto/customer/v1';
import { seen } from '../access/access.js';
import { dayAt } from '../calendar/calendar.js';
import type { Deps } from '../deps.js';
import { openedRecord } from '../golden/golden.js';
import { householdsOf } from '../household/household.js';
import { idsIn, membersOf, partyName, type PartyRecord } from '../party/party.js';
import { latestPreferences, preferencesMessage } from '../preferences/preferences.js';
import { requestsOf } from '../privacy/privacy.js';
import { relationshipMessage, relationshipsOf } from '../relationship/relationship.js';

/** Relationships and requests. */
const MOST = 20;

/** Where the fields come from, for whom `GetGoldenRecord` would say it of this party. */
export async function goldenRecordPart(
  deps: Deps,
  row: PartyRecord,
  call: Call,
): Promise<GoldenRecordPart | undefined> {
  const scope = call.seesBy('rapport.customer.v1.GoldenService/GetGoldenRecord', 'C2');
  if (scope.kind === 'nothing') return undefined;
  const asOf = deps.clock.now();
  const goldenRecord = await openedRecord(deps.db.scoped(scope), deps, row.partyId, scope);
  return goldenRecord && { goldenRecord: { ...goldenRecord, party: undefined }, asOf };
}

/** The households, for whom `ListHouseholds` would give them. */
export async function householdsPart(deps: Deps, row: PartyRecord, call: Call): Promise<HouseholdsPart | undefined> {
  const scope = call.seesBy('rapport.customer.v1.HouseholdService/ListHouseholds', 'C2');
  if (scope.kind === 'nothing') return undefined;
  const asOf = deps.clock.now();
  return { households: await householdsOf(deps.db.scoped(scope), membersOf(row), scope), asOf };
}

/** How the party likes to be served, for whom `GetPreferences` would say it. */
export async function preferencesPart(deps: Deps, row: PartyRecord, call: Call): Promise<PreferencesPart | undefined> {
  const scope = call.seesBy('rapport.customer.v1.HouseholdService/GetPreferences', 'C2');
  if (scope.kind === 'nothing') return undefined;
  const asOf = deps.clock.now();
  return { preferences: preferencesMessage(await latestPreferences(deps.db.scoped(scope), row)), asOf };
}

/** How the party stands to others, for whom `ListRelationships` would say it. */
export async function relationshipsPart(
  deps: Deps,
  row: PartyRecord,
  call: Call,
): Promise<RelationshipsPart | undefined> {
  const scope = call.seesBy('rapport.customer.v1.HouseholdService/ListRelationships', 'C2');
  if (scope.kind === 'nothing') return undefined;
  const asOf = deps.clock.now();
  const rows = await relationshipsOf(deps.db.scoped(scope), membersOf(row), scope, {
    today: dayAt(asOf, deps.bank.timeZone),
    history: false,
    after: undefined,
    limit: MOST + 1,
  });
  const relationships = rows.slice(0, MOST).map(relationshipMessage);
  return { relationships, more: rows.length > MOST, asOf };
}

/** How the party made use of its rights, for whom `ListDataSubjectRequests` would say it. */
export async function dataSubjectRequestsPart(
  deps: Deps,
  row: PartyRecord,
  call: Call,
): Promise<DataSubjectRequestsPart | undefined> {
  const scope = call.seesBy('rapport.customer.v1.PrivacyService/ListDataSubjectRequests', 'C1');
  if (scope.kind === 'nothing') return undefined;
  const asOf = deps.clock.now();
  const on = deps.db.scoped(scope);
  const requests = await requestsOf(on, row.partyId, scope, { limit: MOST + 1, now: asOf });
  return { dataSubjectRequests: requests.slice(0, MOST), more: requests.length > MOST, asOf };
}

/** What the parties are called that other parts of the view speak of, those that the caller sees in full. */
export async function partyNamesPart(
  deps: Deps,
  { households, relationships }: Pick<CustomerView, 'households' | 'relationships'>,
  call: Call,
): Promise<PartyNamesPart> {
  const asOf = deps.clock.now();
  const spoken = [
    ...(households?.households ?? []).flatMap(({ members }) => members.map(({ party }) => party)),
    ...(relationships?.relationships ?? []).flatMap(({ fromParty, toParty }) => [fromParty, toParty]),
  ];
  const ids = [...new Set(spoken.flatMap((name) => idsIn(name)?.[0] ?? []))];
  if (ids.length === 0) return { labels: [], asOf };
  const scope = scopeFor(call, 'C2');
  const rows = await deps.db.scoped(scope).rows<{ partyId: string; displayName: string }>(sql`
    SELECT n.party_id AS "partyId", g.display_name AS "displayName"
    FROM party n JOIN party g ON g.party_id = n.golden_id
    WHERE n.party_id = ANY(${ids}::uuid[]) AND ${seen(scope, 'g')} ORDER BY n.party_id`);
  return { labels: rows.map(({ partyId, displayName }) => ({ party: partyName(partyId), displayName })), asOf };
}
