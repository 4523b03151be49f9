import path from 'node:path';
import { fieldCipher } from '@rapport/kit/crypto';
import { everything, openDatabase, type Tx } from '@rapport/kit/db';
import { Party } from '@rapport/proto/customer/v1';
import type { Say } from './figure.js';
import { nameOf, numbers } from './people.js';
import { root } from './scripts.js';
import type { World } from './world.js';

const BATCH = 2_000;
/** So many relationship managers look after all parties: a third of a thousand each, in one of 500 branches. */
const MANAGERS = 3_000;
const BRANCHES = 500;

/** What of the built customer service writes parties: so they are sealed and found as in production, without a call each. */
interface Writers {
  cleaned(deps: object, party: Party): object;
  newRecord(deps: object, clean: object): Row;
  insertParties(tx: Tx, parties: readonly object[]): Promise<unknown>;
  insertTerms(tx: Tx, cipher: object, parties: readonly object[]): Promise<void>;
  findable(row: object, party: Party): object;
  indexNumbers(tx: Tx, cipher: object, wanted: readonly object[]): Promise<void>;
}

interface Row {
  partyId: string;
  organisationPath: string;
  manager: string;
}

async function writersOf(): Promise<Writers> {
  const [party, holding] = await Promise.all(
    ['party/party.js', 'holding/holding.js'].map(
      async (file) =>
        (await import(path.join(root, 'services/customer/dist', file))) as { default?: Partial<Writers> } & Writers,
    ),
  );
  return { ...(party?.default ?? party), ...(holding?.default ?? holding) } as Writers;
}

/** One of 50 regions with ten branches each. */
export const regionAt = (at: number): string => `/bench/${at % 50}`;
export const branchAt = (at: number): string => `${regionAt(at)}/${at % BRANCHES}`;
export const managerAt = (at: number): string => `staff/manager-${at % MANAGERS}`;
export const phoneAt = (at: number): string =>
  `+42060${1 + (at % 8)}${String(Math.floor(at / 8) % 1_000_000).padStart(6, '0')}`;
export const identifierAt = (at: number): string => `P${String(at * 7 + 10_000_000)}`;
export const accountAt = (at: number): string => String(1_000_000_000 + at * 11);

function partyAt(at: number, next: () => number): Party {
  const value = nameOf(next);
  return Party.fromPartial({
    details: {
      $case: 'person',
      value: { ...value, birthDate: { year: 1940 + (at % 70), month: 1 + (at % 12), day: 1 + (at % 28) } },
    },
    organisationPath: branchAt(at),
    relationshipManager: managerAt(at),
    contactPoints: [
      { point: { $case: 'phone', value: phoneAt(at) }, preferred: true },
      { point: { $case: 'email', value: `p${at}@example.org` } },
    ],
    identifiers: [{ kind: 2, value: identifierAt(at), countryCode: 'CZ' }],
    source: 'bench',
    sourceKey: `client/${at}`,
  });
}

/** Fills the bank with people, each with an account. Takes minutes for a million. */
export async function seedPeople(
  world: Pick<World, 'database' | 'databaseUrl' | 'keyEncryptionKeyFile'>,
  parties: number,
  say: Say,
): Promise<void> {
  const { cleaned, newRecord, insertParties, insertTerms, findable, indexNumbers } = await writersOf();
  const cipher = fieldCipher({ keyEncryptionKeyFile: world.keyEncryptionKeyFile });
  const deps = {
    cipher,
    clock: { now: () => new Date() },
    bank: { timeZone: 'Europe/Prague', language: 'en', country: 'CZ' },
  };
  const db = openDatabase({ url: world.databaseUrl, application: 'bench-seed', max: 2 });
  const next = numbers(7);
  let writing: Promise<unknown> = Promise.resolve();
  try {
    await world.database.query(`ALTER DATABASE rapport_customer SET synchronous_commit = off`);
    for (let from = 0; from < parties; from += BATCH) {
      const made = Array.from({ length: Math.min(BATCH, parties - from) }, (_none, at) => {
        const party = partyAt(from + at, next);
        const row = newRecord(deps, cleaned(deps, party));
        return { row, party, content: 0n, at: from + at };
      });
      await writing;
      writing = db.transaction(everything, async (tx) => {
        await insertParties(tx, made);
        await insertTerms(
          tx,
          cipher,
          made.map(({ row, party }) => findable(row, party)),
        );
        const holdings = await tx.rows<Row & { holdingId: string; sourceKey: string }>({
          name: 'bench_holding',
          text: `INSERT INTO holding (party_id, holding_id, kind, details, owners, opened_date, organisation_path, manager,
              source, source_key)
            SELECT p, gen_random_uuid(), 1, '{}', jsonb_build_array(jsonb_build_object('party', p, 'role', 1)),
              '2020-01-01', o, m, 'bench', 'account/' || a
            FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS n (p, a, o, m)
            RETURNING party_id AS "partyId", holding_id AS "holdingId", source_key AS "sourceKey",
              organisation_path AS "organisationPath", manager`,
          values: [
            made.map(({ row }) => row.partyId),
            made.map(({ at }) => accountAt(at)),
            made.map(({ row }) => row.organisationPath),
            made.map(({ row }) => row.manager),
          ],
        });
        await indexNumbers(
          tx,
          cipher,
          holdings.map((row) => ({ row, iban: '' })),
        );
      });
      // A failure is thrown where it is awaited; until then it must not count as unhandled.
      writing.catch(() => undefined);
      if ((from / BATCH) % 50 === 49) say(`${from + BATCH} of ${parties} parties`);
    }
    await writing;
    await world.database.query(`ALTER DATABASE rapport_customer RESET synchronous_commit`);
    await world.database.query('VACUUM ANALYZE');
  } finally {
    await db.close();
  }
}
