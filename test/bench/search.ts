import path from 'node:path';
import { fieldCipher } from '@rapport/kit/crypto';
import { everything, openDatabase, type Tx } from '@rapport/kit/db';
import { CustomerServiceService, Party, SearchPartiesRequest, SearchPartiesResponse } from '@rapport/proto/customer/v1';
import { type Figure, median, rounded, type Say } from './figure.js';
import { openCaller } from './load.js';
import { nameOf, numbers } from './people.js';
import { root } from './scripts.js';
import type { World } from './world.js';

const PARTIES = Number(process.env['BENCH_SEARCH_PARTIES'] ?? 1_000_000);
const BATCH = 2_000;
/** Different questions of each kind, each asked so often. */
const QUESTIONS = 40;
const ROUNDS = 5;
/** Milliseconds at the median. */
const GOAL = 30;

/** What of the built customer service writes parties: so they are sealed and found as in production, without a call each. */
interface Writers {
  cleaned(deps: object, party: Party): object;
  newRecord(deps: object, clean: object): { partyId: string };
  insertParties(tx: Tx, parties: readonly object[]): Promise<unknown>;
  insertTerms(tx: Tx, cipher: object, parties: readonly object[]): Promise<void>;
  findable(row: object, party: Party): object;
}

function partyOf(at: number, next: () => number): Party {
  const value = nameOf(next);
  return Party.fromPartial({
    details: {
      $case: 'person',
      value: { ...value, birthDate: { year: 1940 + (at % 70), month: 1 + (at % 12), day: 1 + (at % 28) } },
    },
    organisationPath: `/bench/${at % 50}/${at % 500}`,
    contactPoints: [
      { point: { $case: 'phone', value: phoneOf(at) }, preferred: true },
      { point: { $case: 'email', value: `p${at}@example.org` } },
    ],
    identifiers: [{ kind: 2, value: identifierOf(at), countryCode: 'CZ' }],
    source: 'bench',
    sourceKey: `client/${at}`,
  });
}

const phoneOf = (at: number): string =>
  `+42060${1 + (at % 8)}${String(Math.floor(at / 8) % 1_000_000).padStart(6, '0')}`;
const identifierOf = (at: number): string => `P${String(at * 7 + 10_000_000)}`;
const accountOf = (at: number): string => String(1_000_000_000 + at * 11);

/** Fills the bank with people, each with an account. Takes minutes for a million. */
export async function seedPeople(world: World, parties: number, say: Say): Promise<void> {
  const writers = (await import(path.join(root, 'services/customer/dist/party/party.js'))) as {
    default?: Writers;
  } & Writers;
  const { cleaned, newRecord, insertParties, insertTerms, findable } = writers.default ?? writers;
  const cipher = fieldCipher({ keyEncryptionKeyFile: world.keyEncryptionKeyFile });
  const deps = {
    cipher,
    clock: { now: () => new Date() },
    bank: { timeZone: 'Europe/Prague', language: 'en', country: 'CZ' },
  };
  const db = openDatabase({ url: world.databaseUrl, application: 'bench-seed', max: 2 });
  const next = numbers(7);
  try {
    await world.database.query(`ALTER DATABASE rapport_customer SET synchronous_commit = off`);
    for (let from = 0; from < parties; from += BATCH) {
      const made = Array.from({ length: Math.min(BATCH, parties - from) }, (_none, at) => {
        const party = partyOf(from + at, next);
        const row = newRecord(deps, cleaned(deps, party));
        return { row, party, content: 0n, at: from + at };
      });
      await db.transaction(everything, async (tx) => {
        await insertParties(tx, made);
        await insertTerms(
          tx,
          cipher,
          made.map(({ row, party }) => findable(row, party)),
        );
      });
      await world.database.query(
        `WITH h AS (
           INSERT INTO holding (party_id, holding_id, kind, details, owners, opened_date, organisation_path, source, source_key)
           SELECT p, gen_random_uuid(), 1, '{}', jsonb_build_array(jsonb_build_object('party', p, 'role', 1)), '2020-01-01', '/bench',
             'bench', 'account/' || a
           FROM unnest($1::uuid[], $2::text[]) AS n (p, a) RETURNING party_id, holding_id, source_key)
         INSERT INTO natural_key (source, kind, source_key, party_id, id, content)
         SELECT 'bench', 1, source_key, party_id, holding_id, 0 FROM h`,
        [made.map(({ row }) => row.partyId), made.map(({ at }) => accountOf(at))],
      );
      if ((from / BATCH) % 50 === 49) say(`${from + BATCH} of ${parties} parties`);
    }
    await world.database.query(`ALTER DATABASE rapport_customer RESET synchronous_commit`);
    await world.database.query('VACUUM ANALYZE');
  } finally {
    await db.close();
  }
}

/** A kind of question: what is asked of the service, and the bare SQL that finds the same without scope, rank and audit. */
interface Kind {
  name: string;
  ask(at: number, next: () => number): SearchPartiesRequest['query'];
  /** May a question of this kind find nobody? */
  mayMiss?: boolean;
}

const fold = (text: string): string => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();

/** Swaps two letters in the middle. */
function misspelt(word: string): string {
  const at = Math.floor(word.length / 2);
  return word.slice(0, at - 1) + (word[at] ?? '') + (word[at - 1] ?? '') + word.slice(at + 1);
}

function western(next: () => number): { givenName: string; familyName: string } {
  for (;;) {
    const name = nameOf(next);
    if (/\p{Script=Latin}/u.test(name.familyName)) return name;
  }
}

const pinyinNames = [
  'wang xiaoming',
  'li wei',
  'zhangmin',
  'liu yang',
  'chenjing',
  'yang fang',
  'huang lei',
  'zhao min',
  'wujing',
  'zhou jie',
];

const kinds: readonly Kind[] = [
  {
    name: 'search_parties_name',
    ask: (_at, next) => {
      const { givenName, familyName } = western(next);
      return { $case: 'text', value: `${fold(familyName)} ${givenName}` };
    },
    mayMiss: true,
  },
  {
    name: 'search_parties_typo',
    ask: (_at, next) => {
      const { givenName, familyName } = western(next);
      return { $case: 'text', value: `${misspelt(fold(familyName))} ${givenName}` };
    },
    mayMiss: true,
  },
  {
    name: 'search_parties_pinyin',
    ask: (at) => ({ $case: 'text', value: pinyinNames[at % pinyinNames.length] as string }),
    mayMiss: true,
  },
  { name: 'search_parties_phone', ask: (at) => ({ $case: 'text', value: phoneOf(at * 131).slice(4) }) },
  { name: 'search_parties_identifier', ask: (at) => ({ $case: 'text', value: identifierOf(at * 137) }) },
  { name: 'search_parties_account', ask: (at) => ({ $case: 'text', value: accountOf(at * 139) }) },
];

/** The names of what may be measured. */
export const searchFigures = kinds.map(({ name }) => name);

/** What the same questions take as one plain statement each, sent by pg to Postgres as a superuser. */
async function bareTimes(
  world: World,
  queries: readonly SearchPartiesRequest['query'][],
  name: string,
): Promise<number[]> {
  const cipher = fieldCipher({ keyEncryptionKeyFile: world.keyEncryptionKeyFile });
  const times: number[] = [];
  for (const query of queries) {
    const value = query?.value ?? '';
    const words = fold(value).split(' ');
    const byName = `SELECT p.* FROM party p WHERE ${words
      .map(
        (_word, at) => `EXISTS (SELECT FROM party_word w
      WHERE w.party_id = p.party_id AND w.word = $${at + 1})`,
      )
      .join(' AND ')} LIMIT 20`;
    const byAccount = `SELECT p.* FROM natural_key k JOIN party p USING (party_id) WHERE k.kind = 1 AND account_number(k.source_key) = $1`;
    const byDigest = `SELECT p.* FROM party_contact c JOIN party p USING (party_id) WHERE c.digest = $1`;
    const digest = name.endsWith('phone') ? cipher.index(`+420${value}`, 'phone') : cipher.index(value, 'identifier');
    const began = performance.now();
    if (name.endsWith('account')) await world.database.query({ name: 'a', text: byAccount, values: [value] });
    else if (/phone|identifier/.test(name)) await world.database.query({ name: 'd', text: byDigest, values: [digest] });
    else await world.database.query({ name: `n${words.length}`, text: byName, values: words });
    times.push(performance.now() - began);
  }
  return times;
}

/** Asks the service and the database by turns; the value is the service's median in milliseconds. */
export async function measureSearch(world: World, name: string, say: Say): Promise<Figure> {
  const kind = kinds.find((one) => one.name === name) as Kind;
  const next = numbers(11);
  const queries = Array.from({ length: QUESTIONS }, (_none, at) => kind.ask(at, next));
  const requests = queries.map((query) =>
    Buffer.from(SearchPartiesRequest.encode({ query, organisationPath: '', pageSize: 20, pageToken: '' }).finish()),
  );
  const caller = openCaller({
    address: world.customer,
    path: CustomerServiceService.searchParties.path,
    token: world.reader,
    requests,
  });
  try {
    const answers = await caller.time(requests.length);
    const found = answers.map(({ answer }) => SearchPartiesResponse.decode(answer).parties.length);
    if (!kind.mayMiss && found.includes(0)) throw new Error(`${name}: a question found nobody`);
    const [service, bare]: [number[], number[]] = [[], []];
    for (let at = 1; at <= ROUNDS; at += 1) {
      bare.push(...(await bareTimes(world, queries, name)));
      service.push(...(await caller.time(requests.length)).map(({ ms }) => ms));
    }
    const sorted = service.toSorted((a, b) => a - b);
    const p95 = sorted[Math.floor(sorted.length * 0.95)] ?? Number.NaN;
    say(
      `${name}: found ${median(found)} at the median, ${found.filter((count) => count === 0).length} of ${found.length} questions nobody; p95 ${p95.toFixed(1)} ms`,
    );
    const [value, baseline] = [rounded(median(service), 1), rounded(median(bare), 1)];
    return { name, value, unit: 'ms', baseline, ratio: rounded(value / baseline, 3), goal: GOAL, bound: 'value' };
  } finally {
    caller.close();
  }
}

/** How many parties the bank of the search has. */
export const SEARCHED = PARTIES;
