import type { FieldCipher } from '@rapport/kit/crypto';
import { type Queryable, sql, type Tx } from '@rapport/kit/db';
import { type ContactPoint, type Identifier, PartyState } from '@rapport/proto/customer/v1';
import { blockingKeys, dwellingKey } from './keys.js';
import { addressParts, joined, known, organisationWord, phoneDigits, type Profile } from './profile.js';

/** What of a stored party the matcher looks at. */
export interface Matchable {
  partyId: string;
  kind: number;
  givenName: string;
  familyName: string;
  legalName: string;
  sex: number;
  /** `YYYY-MM-DD`. */
  birthDate: string | null;
  organisationPath: string;
  synthetic: boolean;
  state: number;
}

/** What of it is sealed. */
export interface MatchableSecrets {
  contactPoints: readonly ContactPoint[];
  identifiers: readonly Identifier[];
  registrationNumber: string;
}

/** The number of PARTY_KIND_PERSON. */
const PERSON = 1;

/** The first segment of an organisation path: parties of different banks are never compared. */
export function bankOf(organisationPath: string): string {
  return organisationPath.split('/')[1] ?? '';
}

/** The profile of a party of the bank. Every identifier is strong: the service checked it. */
export function partyProfile(row: Matchable, secrets: MatchableSecrets): Profile {
  const person = row.kind === PERSON;
  const points = secrets.contactPoints.flatMap(({ point }) => (point ? [point] : []));
  const address = points.find((point) => point.$case === 'postalAddress')?.value;
  const numbers = secrets.identifiers.map(({ kind, countryCode, value }) => ({
    kind: `${kind} ${countryCode}`,
    value: joined(value),
    strong: true,
  }));
  if (secrets.registrationNumber !== '') {
    numbers.unshift({ kind: 'register', value: joined(secrets.registrationNumber), strong: true });
  }
  return {
    person,
    given: person ? joined(known(row.givenName)) : '',
    family: person ? joined(known(row.familyName)) : organisationWord(row.legalName),
    birth: row.birthDate?.replaceAll('-', '') ?? '',
    sex: row.sex,
    ...(address ? addressParts(address.lines) : { street: '', house: '', extra: '' }),
    locality: joined(address?.locality ?? ''),
    postal: joined(address?.postalCode ?? ''),
    emails: points.flatMap((point) => (point.$case === 'email' ? [point.value.toLowerCase()] : [])),
    phones: points.flatMap((point) => (point.$case === 'phone' ? [phoneDigits(point.value)] : [])),
    identifiers: numbers.filter(({ value }) => value !== ''),
    attributes: [],
  };
}

/** What is stored of a blocking key: the first 64 bits of its keyed hash. */
function keyHash(cipher: FieldCipher, key: string): bigint {
  return cipher.index(key, 'match').readBigInt64BE();
}

/** Whether a party is matched at all: not one whose processing is restricted. */
export function isMatched(row: Pick<Matchable, 'state'>): boolean {
  return row.state !== PartyState.PARTY_STATE_RESTRICTED;
}

/** What its blocking keys begin with, so that parties of different banks, and made-up and real ones, share none. */
export function apart(row: Pick<Matchable, 'organisationPath' | 'synthetic'>): string {
  return `${bankOf(row.organisationPath)}${row.synthetic ? '\0synthetic' : ''}\0`;
}

/** The stored blocking keys of a party. */
export function partyKeys(cipher: FieldCipher, row: Matchable, profile: Profile): bigint[] {
  return isMatched(row) ? blockingKeys(profile).map((key) => keyHash(cipher, apart(row) + key)) : [];
}

/** More parties under one number of a street are a block of flats, a home or an office, and say nothing of a family. */
const MOST_IN_DWELLING = 40;

/**
 * The golden records that share a dwelling with a party, as far as their addresses are written alike, itself left out; none
 * where that is not known or where too many live there. Finds by keyed hash, and opens nothing.
 */
export async function sharingDwelling(
  on: Queryable,
  cipher: FieldCipher,
  row: Matchable,
  secrets: MatchableSecrets,
): Promise<string[]> {
  const key = isMatched(row) ? dwellingKey(partyProfile(row, secrets)) : undefined;
  if (key === undefined) return [];
  const rows = await on.rows<{ partyId: string }>(sql`
    SELECT party_id AS "partyId" FROM match_key WHERE key = ${keyHash(cipher, apart(row) + key)}
    LIMIT ${MOST_IN_DWELLING + 1}`);
  return rows.length > MOST_IN_DWELLING
    ? []
    : rows.map(({ partyId }) => partyId).filter((partyId) => partyId !== row.partyId);
}

/** Writes what golden records are matched by, instead of what was before, and lets them be matched soon after the commit. */
export async function storeMatchKeys(
  tx: Tx,
  cipher: FieldCipher,
  parties: readonly { row: Matchable; secrets: MatchableSecrets }[],
): Promise<void> {
  const keys = parties.flatMap(({ row, secrets }) =>
    partyKeys(cipher, row, partyProfile(row, secrets)).map((key) => ({ partyId: row.partyId, key })),
  );
  const ids = parties.map(({ row }) => row.partyId);
  await tx.run(sql`
    WITH made (party_id, key) AS (
      SELECT * FROM unnest(${keys.map(({ partyId }) => partyId)}::uuid[], ${keys.map(({ key }) => key)}::bigint[])
    ), gone AS (
      DELETE FROM match_key USING match_profile p CROSS JOIN LATERAL unnest(p.keys) AS had (key)
      WHERE p.party_id = ANY(${ids}::uuid[]) AND match_key.key = had.key AND match_key.party_id = p.party_id
        AND NOT EXISTS (SELECT FROM made WHERE made.party_id = p.party_id AND made.key = had.key)
    ), kept AS (
      INSERT INTO match_key (key, party_id) SELECT key, party_id FROM made ON CONFLICT DO NOTHING
    ), profile AS (
      INSERT INTO match_profile (party_id, keys)
      SELECT id, coalesce(array_agg(key) FILTER (WHERE key IS NOT NULL), '{}')
      FROM unnest(${ids}::uuid[]) AS id LEFT JOIN made ON made.party_id = id GROUP BY id
      ON CONFLICT (party_id) DO UPDATE SET keys = excluded.keys
    )
    INSERT INTO match_queue (party_id) SELECT id FROM unnest(${ids}::uuid[]) AS id
    ON CONFLICT (party_id) DO UPDATE SET change = DEFAULT`);
}

/** Lets parties no longer be matched by themselves; what was open about them lapses. */
export async function dropMatchKeys(tx: Tx, ids: readonly string[]): Promise<void> {
  await tx.run(sql`
    WITH gone AS (
      DELETE FROM match_profile WHERE party_id = ANY(${ids}::uuid[]) RETURNING party_id, keys
    ), keys AS (
      DELETE FROM match_key USING gone CROSS JOIN LATERAL unnest(gone.keys) AS had (key)
      WHERE match_key.key = had.key AND match_key.party_id = gone.party_id
    )
    INSERT INTO match_queue (party_id) SELECT party_id FROM gone
    ON CONFLICT (party_id) DO UPDATE SET change = DEFAULT`);
}
