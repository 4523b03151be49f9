import path from 'node:path';
import { fieldCipher } from '@rapport/kit/crypto';
import { everything, openDatabase, type Tx } from '@rapport/kit/db';
import { Party } from '@rapport/proto/customer/v1';
import type { Say } from './figure.js';
import { root } from './scripts.js';
import type { World } from './world.js';

const BATCH = 2_000;
const TOLD = 50_000;
const onset = 'b c d f g h j k l m n p r s t v z br dr gr kl kr pr sl st tr'.split(' ');
const vowel = 'a e i o u ou ia'.split(' ');
const ending = ['', '', 'k', 'l', 'n', 'r', 's', 't', 'va', 'sky'];

/** Numbers that look random and are the same each time. */
function numbers(seed: number): (limit: number) => number {
  let state = seed | 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
}

/** The word of a number; other numbers have other words, up to some hundred thousand. */
function word(index: number): string {
  const parts: string[] = [];
  let rest = index;
  const take = (of: readonly string[]): void => {
    parts.push(of[rest % of.length] as string);
    rest = Math.floor(rest / of.length);
  };
  take(onset);
  take(vowel);
  take(onset);
  take(vowel);
  if (rest > 0) take(ending);
  if (rest > 0) take(onset);
  const text = parts.join('');
  return `${text[0]?.toUpperCase()}${text.slice(1)}`;
}

/** Few names are common and most are rare. */
const skewed = (of: (limit: number) => number, many: number): number => Math.floor(many * (of(1e6) / 1e6) ** 2.5);

/**
 * A person of a bank in which every twentieth is there twice, the second time with another telephone and an error in the
 * name, in the birth date or with another address.
 */
export function personAt(at: number): Party {
  const twice = at % 20 === 19;
  const of = numbers((twice ? at - 1 : at) * 7_919);
  const person = {
    givenName: word(skewed(of, 600)),
    familyName: word(skewed(of, 120_000)),
    sex: 1 + of(2),
    birthDate: { year: 1935 + of(70), month: 1 + of(12), day: 1 + of(28) },
  };
  const email = `${person.givenName}.${person.familyName}.${of(1_000_000)}@example.com`.toLowerCase();
  let [street, town] = [of(30_000), of(2_000)];
  if (twice) {
    const error = numbers(at);
    const kind = error(4);
    if (kind === 0) person.familyName += 'x';
    if (kind === 1) person.givenName = person.givenName.slice(0, 1);
    if (kind === 2) person.birthDate = { ...person.birthDate, day: 1 + error(28) };
    if (kind === 3) [street, town] = [error(30_000), error(2_000)];
  }
  const address = {
    lines: [`${word(street + 20_000)} ${1 + of(150)}`],
    locality: word(town * 13),
    postalCode: String(10_000 + town * 31),
    countryCode: 'CZ',
  };
  return Party.fromPartial({
    details: { $case: 'person', value: person },
    organisationPath: `/bench/${at % 50}/${at % 500}`,
    // Every third gave no e-mail address.
    contactPoints: [
      ...(at % 3 === 0 ? [] : [{ point: { $case: 'email' as const, value: email } }]),
      { point: { $case: 'phone' as const, value: `+4206${String(10_000_000 + at)}` } },
      { point: { $case: 'postalAddress' as const, value: address } },
    ],
    source: 'bench',
    sourceKey: `client/${at}`,
  });
}

/** What of the built customer service writes parties: so they are sealed and keyed as in production, without a call each. */
interface Writers {
  newRecord(deps: object, clean: object): { partyId: string };
  insertParties(tx: Tx, parties: readonly object[]): Promise<unknown>;
  sensitiveOf(party: Party): object;
  partyProfile(row: object, secrets: object): object;
  partyKeys(cipher: object, row: object, profile: object): bigint[];
}

async function writersOf(): Promise<Writers> {
  const [party, matching] = await Promise.all(
    ['party/party.js', 'matching/matching.js'].map(
      async (file) =>
        (await import(path.join(root, 'services/customer/dist', file))) as { default?: Partial<Writers> } & Writers,
    ),
  );
  return { ...(party?.default ?? party), ...(matching?.default ?? matching) } as Writers;
}

/** Fills the bank with people as if all of them had been matched before; a million takes some minutes. */
export async function seedMatched(
  world: Pick<World, 'database' | 'databaseUrl' | 'keyEncryptionKeyFile'>,
  parties: number,
  say: Say,
): Promise<void> {
  const { newRecord, insertParties, sensitiveOf, partyProfile, partyKeys } = await writersOf();
  const cipher = fieldCipher({ keyEncryptionKeyFile: world.keyEncryptionKeyFile });
  const deps = { cipher, clock: { now: () => new Date() } };
  const db = openDatabase({ url: world.databaseUrl, application: 'bench-seed', max: 2 });
  let writing: Promise<unknown> = Promise.resolve();
  try {
    await world.database.query(`ALTER DATABASE rapport_customer SET synchronous_commit = off`);
    // An index made at the end is made in one go.
    await world.database.query('ALTER TABLE match_key DROP CONSTRAINT match_key_pkey');
    for (let from = 0; from < parties; from += BATCH) {
      const made = Array.from({ length: Math.min(BATCH, parties - from) }, (_none, at) => {
        const party = personAt(from + at);
        const row = newRecord(deps, { party, quality: { score: 100, issues: [] } });
        return { row, content: 0n, keys: partyKeys(cipher, row, partyProfile(row, sensitiveOf(party))) };
      });
      await writing;
      writing = db.transaction(everything, async (tx) => {
        await insertParties(tx, made);
        await tx.run({
          name: 'bench_match_profile',
          text: `WITH profile AS (
              INSERT INTO match_profile (party_id, keys)
              SELECT id, keys::bigint[] FROM unnest($1::uuid[], $2::text[]) AS p (id, keys) RETURNING party_id, keys)
            INSERT INTO match_key (key, party_id) SELECT unnest(keys), party_id FROM profile`,
          values: [made.map(({ row }) => row.partyId), made.map(({ keys }) => `{${keys.join()}}`)],
        });
      });
      writing.catch(() => undefined);
      if ((from + BATCH) % TOLD === 0) say(`${from + BATCH} of ${parties} parties`);
    }
    await writing;
    await world.database.query(`ALTER TABLE match_key ADD CONSTRAINT match_key_pkey PRIMARY KEY (key, party_id)`);
    await world.database.query(`ALTER DATABASE rapport_customer RESET synchronous_commit`);
    await world.database.query('VACUUM ANALYZE party, match_key, match_profile');
  } finally {
    await db.close();
  }
}
