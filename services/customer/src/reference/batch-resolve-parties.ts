import { type Queryable, type Scope, type Sql, sql } from '@rapport/kit/db';
import { type Call, scopeFor } from '@rapport/kit/rpc';
import {
  type BatchResolvePartiesRequest,
  type BatchResolvePartiesResponse,
  HoldingRole,
  type PartyReference,
  ResolveReason,
} from '@rapport/proto/customer/v1';
import { seen } from '../access/access.js';
import type { Deps } from '../deps.js';
import { numberDigest } from '../holding/holding.js';
import { digestOf, idsIn, partyName } from '../party/party.js';

/** A party that a reference of that place in the request names. */
interface Named {
  place: number;
  partyId: string;
}

type Reference = NonNullable<PartyReference['reference']>;
type Kind = Reference['$case'];
type Of<K extends Kind> = { place: number; value: Extract<Reference, { $case: K }>['value'] }[];

/** The references of a kind, each with its place in the request. */
function of<K extends Kind>(references: readonly PartyReference[], kind: K): Of<K> {
  return references.flatMap(({ reference }, place) =>
    reference?.$case === kind ? [{ place, value: reference.value as Of<K>[number]['value'] }] : [],
  );
}

/** The golden records of parties that a statement finds with their places, as far as the scope reaches. */
function goldenOf(on: Queryable, scope: Scope, found: Sql): Promise<Named[]> {
  return on.rows<Named>(sql`
    SELECT DISTINCT f.place, g.party_id AS "partyId" FROM (${found}) AS f (place, party_id)
      JOIN party p ON p.party_id = f.party_id JOIN party g ON g.party_id = p.golden_id
    WHERE ${seen(scope, 'g')}`);
}

/** Gives the party that each reference names, as the golden record that it is now, or why it names none. */
export async function batchResolveParties(
  deps: Deps,
  request: BatchResolvePartiesRequest,
  call: Call,
): Promise<BatchResolvePartiesResponse> {
  const { references } = request;
  const [open, clear] = [call.scope, scopeFor(call, 'C2')];
  const named: Named[] = [];

  const parties = of(references, 'party').flatMap(({ place, value }) => {
    const ids = value.startsWith('parties/') ? idsIn(value) : undefined;
    return ids?.length === 1 ? [{ place, id: ids[0] as string }] : [];
  });
  if (parties.length > 0) {
    const found = sql`SELECT * FROM unnest(${parties.map(({ place }) => place)}::int[],
      ${parties.map(({ id }) => id)}::uuid[])`;
    named.push(...(await goldenOf(deps.db.scoped(open), open, found)));
  }

  const keys = of(references, 'sourceKey');
  if (keys.length > 0) {
    const found = sql`
      SELECT k.place, p.party_id FROM unnest(${keys.map(({ place }) => place)}::int[],
        ${keys.map(({ value }) => value.source)}::text[], ${keys.map(({ value }) => value.key)}::text[])
        AS k (place, source, key) JOIN party p ON p.source_key = k.key AND (k.source = '' OR p.source = k.source)`;
    named.push(...(await goldenOf(deps.db.scoped(open), open, found)));
  }

  const accounts = of(references, 'account');
  if (accounts.length > 0 && clear.kind !== 'nothing') {
    const digests = accounts.map(({ value }) => numberDigest(deps.cipher, value));
    const owner = HoldingRole.HOLDING_ROLE_OWNER;
    // Each holding is looked up by its key: without statistics of the numbers the planner would rather read all holdings.
    const found = sql`
      SELECT a.place, (o ->> 'party')::uuid FROM unnest(${accounts.map(({ place }) => place)}::int[],
        ${digests}::bytea[]) AS a (place, digest)
        JOIN holding_number n ON n.digest = a.digest
        CROSS JOIN LATERAL (
          SELECT owners FROM holding WHERE party_id = n.party_id AND holding_id = n.holding_id OFFSET 0) AS h
        CROSS JOIN LATERAL jsonb_array_elements(h.owners) AS o
      WHERE (o ->> 'role')::int = ${owner}`;
    named.push(...(await goldenOf(deps.db.scoped(clear), clear, found)));
  }

  const identifiers = of(references, 'identifier');
  if (identifiers.length > 0 && clear.kind !== 'nothing') {
    const digests = identifiers.map(({ value }) => digestOf(deps.cipher, 'identifier', value));
    const found = sql`
      SELECT i.place, c.party_id FROM unnest(${identifiers.map(({ place }) => place)}::int[],
        ${digests}::bytea[]) AS i (place, digest) JOIN party_contact c ON c.digest = i.digest AND c.kind = 3`;
    named.push(...(await goldenOf(deps.db.scoped(clear), clear, found)));
  }

  await deps.reads.record(call, [...new Set(named.map(({ partyId }) => partyName(partyId)))]);
  const byPlace = new Map<number, string[]>();
  for (const { place, partyId } of named) byPlace.set(place, [...(byPlace.get(place) ?? []), partyId]);
  return {
    parties: references.map(({ reference }, place) => {
      const [first, second] = byPlace.get(place) ?? [];
      if (first !== undefined && second === undefined)
        return { party: partyName(first), reason: ResolveReason.RESOLVE_REASON_UNSPECIFIED };
      if (first !== undefined) return { party: '', reason: ResolveReason.RESOLVE_REASON_AMBIGUOUS };
      const guarded = reference?.$case === 'account' || reference?.$case === 'identifier';
      const refused = guarded && clear.kind === 'nothing';
      return {
        party: '',
        reason: refused ? ResolveReason.RESOLVE_REASON_NOT_PERMITTED : ResolveReason.RESOLVE_REASON_NOT_FOUND,
      };
    }),
  };
}
