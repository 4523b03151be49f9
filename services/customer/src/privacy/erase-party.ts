import { deleteWith, type Queryable, sql, tablesWith, type Tx } from '@rapport/kit/db';
import { type Counts, entomb, type Erasure, eraseKept, publish } from '@rapport/kit/events';
import { DataSubjectRequestState, PartyErasureRequested } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { holdingColumns, type HoldingRecord, openIban } from '../holding/holding.js';
import { subjectDigest } from '../importing/importing.js';
import { openParty, partyColumns, partyName, type PartyRecord } from '../party/party.js';
import { keepErasedKeys } from '../source/source.js';
import { heldUntil } from './hold.js';
import { requestIdIn, requestName, type RequestRow } from './request.js';

/**
 * Records of money stay for five years after the last business with the customer has ended: article 40(1) of Directive
 * (EU) 2015/849 as amended by (EU) 2018/843 ("AMLD 5"), which article 17(3)(b) of the GDPR lets go before an erasure. They
 * stay without a name, a counterparty and a key of a source: with the party's key and row gone, what they hang on is a
 * number that leads nowhere. The papers that identify a customer are kept by the bank's own register of them, not here.
 */
const YEARS_KEPT = 5;

/** Tables whose rows stay: those of money, and what must be shown about the erasure itself. Everything else goes. */
const KEPT = new Set([
  'holding',
  'holding_role',
  'transaction',
  'data_subject_request',
  'erasure_receipt',
  'legal_hold',
  'retention',
  'reveal',
]);

/** The column by which tables belong to a party; `tablesWith` finds those that end in it too. */
export const PARTY = 'party_id';

/** Throws when the parties must not be erased now, and says until when where that is known. */
export async function assertErasable(on: Queryable, members: readonly string[], now: Date): Promise<void> {
  const until = await heldUntil(on, members, now);
  if (until) throw fail('LEGAL_HOLD_IN_FORCE', { metadata: { until: until.toISOString() } });
  const { open } = await on.one<{ open: number }>(sql`
    SELECT count(*)::int AS open FROM holding_role r
      JOIN holding h ON h.party_id = r.holding_party_id AND h.holding_id = r.holding_id
    WHERE r.party_id = ANY(${[...members]}::uuid[]) AND r.role = 1 AND h.status = 1 AND h.kind <> 4`);
  if (open > 0) throw fail('HOLDINGS_OPEN', { metadata: { holdings: String(open) } });
}

/** Shorter values would hit rows of others; Chinese characters say more each. */
function tells(value: string): boolean {
  return value.length >= (/\p{Script=Han}/u.test(value) ? 2 : 4);
}

/**
 * Empties what imports have quoted of the parties when they refused rows: those that name a key of theirs, or of what
 * they own, and those of lines whose keys could not be read, by the values themselves.
 */
async function eraseRejects(tx: Tx, deps: Pick<Deps, 'cipher'>, rows: readonly PartyRecord[]): Promise<number> {
  const holdings = await tx.rows<HoldingRecord>(sql`
    SELECT ${holdingColumns} FROM holding h WHERE h.party_id = ANY(${rows.map(({ partyId }) => partyId)}::uuid[])`);
  const values = rows.flatMap((row) => {
    const { contactPoints, identifiers } = openParty(deps.cipher, row);
    return [
      row.displayName,
      row.familyName,
      row.sourceKey ?? '',
      ...contactPoints.map(({ point }) =>
        point?.$case === 'postalAddress' ? (point.value.lines[0] ?? '') : (point?.value ?? ''),
      ),
      ...identifiers.map(({ value }) => value),
    ];
  });
  const ibans = holdings.map((row) => openIban(deps.cipher, row));
  const known = [...new Set([...values, ...ibans].filter(tells))];
  const subjects = await subjectsOf(tx, deps, rows);
  return tx.run(sql`
    UPDATE import_reject SET original_value = '', subjects = '{}'
    WHERE subjects && ${subjects}::bytea[] OR (original_value <> '' AND EXISTS (
      SELECT FROM unnest(${known}::text[]) AS known (value) WHERE strpos(lower(original_value), lower(known.value)) > 0))`);
}

/** Digests of the keys under which sources know the parties and what is kept with them. */
async function subjectsOf(tx: Tx, { cipher }: Pick<Deps, 'cipher'>, rows: readonly PartyRecord[]): Promise<Buffer[]> {
  const ids = rows.map(({ partyId }) => partyId);
  const keys = await tx.rows<{ source: string; sourceKey: string }>(sql`
    SELECT source, source_key AS "sourceKey" FROM party WHERE party_id = ANY(${ids}::uuid[]) AND source_key IS NOT NULL
    UNION SELECT source, source_key FROM source_record WHERE party_id = ANY(${ids}::uuid[])
    UNION SELECT source, source_key FROM holding WHERE party_id = ANY(${ids}::uuid[]) AND source_key IS NOT NULL`);
  return keys.map(({ source, sourceKey }) => subjectDigest(cipher, source, sourceKey));
}

/** Frees the records of money of everything that names somebody. Gives until when they stay; null when there are none. */
async function keepMoney(tx: Tx, members: readonly string[], now: Date): Promise<Date | null> {
  const ids = [...members];
  await tx.run(sql`
    DELETE FROM natural_key k USING (
      SELECT source, source_key FROM holding WHERE party_id = ANY(${ids}::uuid[])
      UNION ALL SELECT source, source_key FROM transaction WHERE party_id = ANY(${ids}::uuid[])
      UNION ALL SELECT source, source_key FROM interaction WHERE party_id = ANY(${ids}::uuid[])) own
    WHERE k.source = own.source AND k.source_key = own.source_key AND k.kind BETWEEN 1 AND 9
      AND k.party_id = ANY(${ids}::uuid[])`);
  await tx.run(sql`
    UPDATE transaction SET counterparty_account = '', counterparty_bank = '', counterparty_name = '',
      source = NULL, source_key = NULL
    WHERE party_id = ANY(${ids}::uuid[])`);
  // Standing orders are instructions, not records of money.
  await tx.run(sql`DELETE FROM holding WHERE party_id = ANY(${ids}::uuid[]) AND kind = 4`);
  await tx.run(sql`
    UPDATE holding SET source = NULL, source_key = NULL, sealed = NULL, details = details - ARRAY['number', 'iban', 'title', 'name']
    WHERE party_id = ANY(${ids}::uuid[])`);
  // Of what others have, only the part that the party had in it goes.
  await tx.run(sql`
    UPDATE holding h SET owners = coalesce((
      SELECT jsonb_agg(o) FROM jsonb_array_elements(h.owners) o WHERE NOT (o ->> 'party')::uuid = ANY(${ids}::uuid[])), '[]')
    FROM holding_role r
    WHERE r.party_id = ANY(${ids}::uuid[]) AND NOT r.holding_party_id = ANY(${ids}::uuid[])
      AND h.party_id = r.holding_party_id AND h.holding_id = r.holding_id`);
  await tx.run(sql`
    DELETE FROM holding_role WHERE party_id = ANY(${ids}::uuid[]) AND NOT holding_party_id = ANY(${ids}::uuid[])`);
  const { until } = await tx.one<{ until: Date | null }>(sql`
    SELECT max(coalesce(closed_date, ${now}::date)::timestamp AT TIME ZONE 'UTC') + make_interval(years => ${YEARS_KEPT}) AS until
    FROM holding WHERE party_id = ANY(${ids}::uuid[])`);
  if (until) {
    await tx.run(sql`
      INSERT INTO retention (party_id, until_time) SELECT id, ${until} FROM unnest(${ids}::uuid[]) AS id
      ON CONFLICT (party_id) DO UPDATE SET until_time = excluded.until_time`);
  }
  return until;
}

/** What stored answers may be about beside the parties and what lies below them: what they have together with others. */
async function sharedResources(tx: Tx, members: readonly string[]): Promise<string[]> {
  const ids = [...members];
  const rows = await tx.rows<{ name: string }>(sql`
    SELECT 'matchCandidates/' || candidate_id AS name FROM match_candidate
    WHERE party_id = ANY(${ids}::uuid[]) OR other_party_id = ANY(${ids}::uuid[])
    UNION SELECT 'households/' || household_id FROM household_member WHERE party_id = ANY(${ids}::uuid[])
    UNION SELECT 'parties/' || other_party_id || '/relationships/' || relationship_id FROM relationship
      WHERE party_id = ANY(${ids}::uuid[])
    UNION SELECT 'dataSubjectRequests/' || request_id FROM data_subject_request WHERE members && ${ids}::uuid[]`);
  return rows.map(({ name }) => name);
}

/** Removes every row of the parties but those of money. Gives how many of each kind, and until when money stays. */
async function remove(
  tx: Tx,
  deps: Pick<Deps, 'cipher'>,
  members: readonly string[],
  now: Date,
): Promise<{ deleted: Counts; retainUntil: Date | null }> {
  const rows = await tx.rows<PartyRecord>(sql`
    SELECT ${partyColumns} FROM party WHERE party_id = ANY(${[...members]}::uuid[]) ORDER BY party_id FOR UPDATE`);
  await keepErasedKeys(tx, deps.cipher, members, now);
  const rejects = await eraseRejects(tx, deps, rows);
  await tx.run(sql`
    UPDATE household h SET members = h.members - 1 FROM household_member m
    WHERE m.party_id = ANY(${[...members]}::uuid[]) AND m.leave_time IS NULL AND m.household_id = h.household_id`);
  const retainUntil = await keepMoney(tx, members, now);
  const tables = (await tablesWith(tx, PARTY)).filter(({ table }) => !KEPT.has(table) && table !== 'natural_key');
  const deleted = await deleteWith(tx, tables, members);
  return { deleted: { ...deleted, import_reject: rejects }, retainUntil };
}

/**
 * Erases the parties of a request in this service, and asks every other service to do the same: their keys, names, search
 * terms, source records, contacts, consents, and every other row that belongs to one, in whichever table. Tombstones keep
 * out whatever comes later. The events of the parties are forgotten once every service has answered, because until then
 * somebody may still have to read them.
 */
export async function eraseParties(
  tx: Tx,
  deps: Deps,
  request: RequestRow,
  now: Date,
): Promise<{ counts: Counts; retainUntil: Date | null }> {
  const { members, requestId, organisationPath } = request;
  await tx.run(sql`SELECT FROM party WHERE party_id = ANY(${members}::uuid[]) ORDER BY party_id FOR UPDATE`);
  await assertErasable(tx, members, now);
  const name = requestName(requestId);
  const shared = await sharedResources(tx, members);
  for (const member of members) {
    await entomb(tx, { aggregate: member, subject: partyName(member), request: name, organisationPath });
  }
  const { deleted, retainUntil } = await remove(tx, deps, members, now);
  let counts = deleted;
  for (const member of members) {
    counts = added(counts, await eraseKept(tx, member, [partyName(member), ...shared]));
    await tx.run(sql`
      INSERT INTO erasure_receipt (request_id, party_id, service, counts, time)
      VALUES (${requestId}, ${member}, 'customer', ${JSON.stringify(counts)}::jsonb, ${now})`);
    const event = { dataSubjectRequest: name, party: partyName(member), organisationPath, time: now };
    await publish(tx, PartyErasureRequested, event, { aggregate: member, subject: name });
  }
  return { counts, retainUntil };
}

function added(counts: Counts, more: Counts): Counts {
  return { ...counts, ...Object.fromEntries(Object.entries(more).map(([what, n]) => [what, (counts[what] ?? 0) + n])) };
}

/**
 * Removes parties again that a backup brought back. They were erased lawfully before, so that neither a hold nor a holding
 * that the backup shows as open stands against it; a request that the backup has as open is closed with it, and the
 * events are forgotten at once: the other services are asked by the operator, not by an event.
 */
export function eraseAgain({ cipher, clock }: Pick<Deps, 'cipher' | 'clock'>) {
  return async (tx: Tx, erasures: readonly Erasure[]): Promise<void> => {
    const now = clock.now();
    // Request by request: how long money stays is a matter of one customer.
    for (const request of new Set(erasures.map((one) => one.request))) {
      const members = erasures.filter((one) => one.request === request).map(({ aggregate }) => aggregate);
      const shared = await sharedResources(tx, members);
      const { retainUntil } = await remove(tx, { cipher }, members, now);
      for (const member of members) await eraseKept(tx, member, [partyName(member), ...shared]);
      await tx.run(sql`
        UPDATE data_subject_request SET state = ${DataSubjectRequestState.DATA_SUBJECT_REQUEST_STATE_COMPLETED},
          decide_time = coalesce(decide_time, ${now}), close_time = ${now}, retain_until = ${retainUntil}
        WHERE request_id = ${requestIdIn(request)}::uuid AND close_time IS NULL`);
      await tx.run(sql`UPDATE kit.tombstone SET answered_at = now() WHERE aggregate = ANY(${members}::text[])`);
    }
  };
}
