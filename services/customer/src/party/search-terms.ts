import type { FieldCipher } from '@rapport/kit/crypto';
import { type Sql, sql, type Tx } from '@rapport/kit/db';
import type { ContactPoint, Party } from '@rapport/proto/customer/v1';
import { cleanEmail, cleanPhone, compact, foldedWords, isChinese, syllables } from '../cleaning/cleaning.js';
import { dropMatchKeys, storeMatchKeys } from '../matching/matching.js';
import { openParty, type PartyRecord } from './record.js';

/** The kinds of blind indexes. */
export const contactKind = { email: 1, phone: 2, identifier: 3 } as const;

const MOST_WORDS = 24;
/** Stands before initials, so that they are no word that a name could have. */
const INITIALS = '=';

/** What a party is found by: words of its name, and of those the ones that may be found misspelt. */
export interface NameTerms {
  words: string[];
  spelt: string[];
}

/** The name of a party, whole and in its parts. */
export type Named = Pick<PartyRecord, 'displayName' | 'givenName' | 'familyName'>;

/**
 * The words of a name, folded: as they are written, of Chinese names also the parts, in Pinyin each syllable, each part and
 * the whole, and the initials of all. Of Pinyin with `v` for `ü` (`lv`) the forms `lu` and `lyu` too.
 */
export function nameTerms(row: Named): NameTerms {
  const shown = foldedWords(row.displayName);
  const parts = isChinese(row.familyName) && isChinese(row.givenName);
  const family = parts ? syllables(row.familyName, 'family') : [];
  const given = parts ? syllables(row.givenName, 'given') : [];
  // Of other texts with Chinese characters, as those of companies, each run as a whole.
  const runs = parts ? [] : shown.filter(isChinese).map((run) => syllables(run, 'given'));
  const single = [...shown, family.join(''), given.join(''), ...given].flatMap(umlauts);
  const whole = [...runs, [...family, ...given]].map((run) => run.join('')).flatMap(umlauts);
  const sounds = runs.length > 0 ? runs.flat() : [...family, ...given];
  const initials = initialsOf(sounds.length > 0 ? sounds : shown);
  const written = parts ? [row.familyName, row.givenName] : [];
  const words = [...single, ...written, ...whole, initials].filter((word) => word !== '');
  const kept = [...new Set(words)].slice(0, MOST_WORDS);
  return { words: kept, spelt: kept.filter((word) => single.includes(word) && isSpelt(word)) };
}

function umlauts(word: string): string[] {
  return /^[a-z]*[ln]v/.test(word) ? [word, word.replace(/([ln])v/g, '$1u'), word.replace(/([ln])v/g, '$1yu')] : [word];
}

/** Words of an alphabet, long enough that a slip leaves something to go by. */
function isSpelt(word: string): boolean {
  return /^\p{L}{3,30}$/u.test(word) && !/\p{Script=Han}/u.test(word);
}

/** The first letters of two to five words, in the order of the alphabet: who knows only these may not know the order. */
export function initialsOf(words: readonly string[]): string {
  if (words.length < 2 || words.length > 5) return '';
  return (
    INITIALS +
    words
      .map((word) => [...word][0])
      .toSorted()
      .join('')
  );
}

/** What a contact point or identifier is found by: its proper form alone, however it is written. */
export function digestOf(cipher: FieldCipher, kind: keyof typeof contactKind, value: string, country = ''): Buffer {
  if (kind === 'identifier') return cipher.index(compact(value), kind);
  return cipher.index(kind === 'email' ? cleanEmail(value).key : cleanPhone(value, country).key, kind);
}

/** A stored party with what was sealed into it and is found by blind index. */
export interface Findable {
  row: PartyRecord;
  /** Other names that one of its sources knows it by. */
  otherNames?: readonly Named[];
  contactPoints: readonly ContactPoint[];
  /** The numbers of its identifiers and of the register. */
  identifiers: readonly string[];
}

/** The stored party with what of its message is found. */
export function findable(row: PartyRecord, party: Party): Findable {
  const registered = party.details?.$case === 'organisation' ? [party.details.value.registrationNumber] : [];
  const identifiers = [...party.identifiers.map(({ value }) => value), ...registered].filter((number) => number !== '');
  return { row, contactPoints: party.contactPoints, identifiers };
}

function digestsOf(cipher: FieldCipher, { contactPoints, identifiers }: Findable): { kind: number; digest: Buffer }[] {
  const points = contactPoints.flatMap(({ point }) =>
    point?.$case === 'email' || point?.$case === 'phone'
      ? [{ kind: contactKind[point.$case], digest: digestOf(cipher, point.$case, point.value) }]
      : [],
  );
  const numbers = identifiers.map((number) => ({ kind: 3, digest: digestOf(cipher, 'identifier', number) }));
  return [...points, ...numbers];
}

/** What a party is found by under all of its names. */
function allTerms({ row, otherNames = [] }: Findable): NameTerms {
  const each = [row, ...otherNames].map(nameTerms);
  return { words: [...new Set(each.flatMap(({ words }) => words))], spelt: each.flatMap(({ spelt }) => spelt) };
}

/** Writes what parties are found by; what is there already only gets the place of its party. */
export async function insertTerms(tx: Tx, cipher: FieldCipher, parties: readonly Findable[]): Promise<void> {
  const terms = parties.map((party) => ({ ...party, name: allTerms(party), digests: digestsOf(cipher, party) }));
  // In one order, so that two writers of the same new words wait for each other and not both.
  const spelt = [...new Set(terms.flatMap(({ name }) => name.spelt))].toSorted();
  await tx.run(sql`
    INSERT INTO name_word (word, forms) SELECT w, name_forms(w) FROM unnest(${spelt}::text[]) AS w
    WHERE NOT EXISTS (SELECT FROM name_word n WHERE n.word = w)
    ON CONFLICT DO NOTHING`);
  const words = terms.flatMap(({ row, name }) => name.words.map((word) => ({ row, word })));
  await tx.run(sql`
    INSERT INTO party_word AS w (party_id, word, organisation_path, manager)
    SELECT * FROM unnest(${words.map(({ row }) => row.partyId)}::uuid[], ${words.map(({ word }) => word)}::text[],
      ${placed(words)})
    ON CONFLICT (party_id, word) DO UPDATE SET organisation_path = excluded.organisation_path, manager = excluded.manager
      WHERE (w.organisation_path, w.manager) <> (excluded.organisation_path, excluded.manager)`);
  const digests = terms.flatMap(({ row, digests: each }) => unique(each).map((digest) => ({ row, ...digest })));
  await storeMatchKeys(
    tx,
    cipher,
    parties.map(({ row }) => ({ row, secrets: openParty(cipher, row) })),
  );
  if (digests.length === 0) return;
  await tx.run(sql`
    INSERT INTO party_contact AS c (party_id, kind, digest, organisation_path, manager)
    SELECT * FROM unnest(${digests.map(({ row }) => row.partyId)}::uuid[],
      ${digests.map(({ kind }) => kind)}::smallint[], ${digests.map(({ digest }) => digest)}::bytea[],
      ${placed(digests)})
    ON CONFLICT (party_id, kind, digest) DO UPDATE
      SET organisation_path = excluded.organisation_path, manager = excluded.manager
      WHERE (c.organisation_path, c.manager) <> (excluded.organisation_path, excluded.manager)`);
}

function unique(digests: readonly { kind: number; digest: Buffer }[]): { kind: number; digest: Buffer }[] {
  return [...new Map(digests.map((one) => [one.digest.toString('hex'), one])).values()];
}

function placed(of: readonly { row: PartyRecord }[]): Sql {
  return sql`${of.map(({ row }) => row.organisationPath)}::text[], ${of.map(({ row }) => row.manager)}::text[]`;
}

/** Lets parties no longer be found by themselves. */
export async function dropTerms(tx: Tx, ids: readonly string[]): Promise<void> {
  await tx.run(sql`DELETE FROM party_word WHERE party_id = ANY(${ids}::uuid[])`);
  await tx.run(sql`DELETE FROM party_contact WHERE party_id = ANY(${ids}::uuid[])`);
  await dropMatchKeys(tx, ids);
}

/** Writes what changed parties are found by and removes what they are found by no longer. */
export async function replaceTerms(tx: Tx, cipher: FieldCipher, parties: readonly Findable[]): Promise<void> {
  await insertTerms(tx, cipher, parties);
  const ids = parties.map(({ row }) => row.partyId);
  const words = parties.flatMap((party) => allTerms(party).words.map((word) => ({ id: party.row.partyId, word })));
  await tx.run(sql`
    DELETE FROM party_word w WHERE w.party_id = ANY(${ids}::uuid[]) AND (w.party_id, w.word) NOT IN (
      SELECT * FROM unnest(${words.map(({ id }) => id)}::uuid[], ${words.map(({ word }) => word)}::text[]))`);
  const digests = parties.flatMap((party) =>
    digestsOf(cipher, party).map(({ digest }) => ({ id: party.row.partyId, digest })),
  );
  await tx.run(sql`
    DELETE FROM party_contact c WHERE c.party_id = ANY(${ids}::uuid[]) AND (c.party_id, c.digest) NOT IN (
      SELECT * FROM unnest(${digests.map(({ id }) => id)}::uuid[],
        ${digests.map(({ digest }) => digest)}::bytea[]))`);
}
