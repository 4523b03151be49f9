import { type FieldCipher, fieldCipher } from '@rapport/kit/crypto';
import { CustomerServiceService, SearchPartiesRequest, SearchPartiesResponse } from '@rapport/proto/customer/v1';
import { type Figure, median, rounded, type Say } from './figure.js';
import { openCaller } from './load.js';
import { nameOf, numbers } from './people.js';
import { accountAt, branchAt, identifierAt, managerAt, phoneAt, regionAt } from './search-bank.js';
import type { World } from './world.js';

const PARTIES = Number(process.env['BENCH_SEARCH_PARTIES'] ?? 1_000_000);
/** Different questions of each kind, each asked so often. */
const QUESTIONS = 40;
const ROUNDS = 5;
/** Milliseconds at the median. */
const GOAL = 30;

/** Who asks. */
type Asker = (world: World) => string;

/** A kind of question: what is asked of the service, and the bare SQL that finds the same without scope, rank and audit. */
interface Kind {
  name: string;
  ask(at: number, next: () => number): SearchPartiesRequest['query'];
  /** May a question of this kind find nobody? */
  mayMiss?: boolean;
  /** Somebody who sees the whole bank unless told. */
  asker?: Asker;
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

/** Names, half of them misspelt, a quarter Pinyin: most of them frequent in the bank, rare in a small part of it. */
function anyName(at: number, next: () => number): SearchPartiesRequest['query'] {
  if (at % 4 === 0) return { $case: 'text', value: pinyinNames[at % pinyinNames.length] as string };
  const { givenName, familyName } = western(next);
  return { $case: 'text', value: `${at % 2 === 0 ? fold(familyName) : misspelt(fold(familyName))} ${givenName}` };
}

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
  { name: 'search_parties_phone', ask: (at) => ({ $case: 'text', value: phoneAt(at * 131).slice(4) }) },
  { name: 'search_parties_identifier', ask: (at) => ({ $case: 'text', value: identifierAt(at * 137) }) },
  { name: 'search_parties_account', ask: (at) => ({ $case: 'text', value: accountAt(at * 139) }) },
  {
    name: 'search_parties_own',
    ask: anyName,
    mayMiss: true,
    asker: (world) => world.tokenOf(managerAt(7), ['relationship_manager'], branchAt(7)),
  },
  {
    name: 'search_parties_branch',
    ask: anyName,
    mayMiss: true,
    asker: (world) => world.tokenOf('staff/head', ['branch_manager'], branchAt(7)),
  },
  {
    name: 'search_parties_region',
    ask: anyName,
    mayMiss: true,
    asker: (world) => world.tokenOf('staff/region', ['branch_manager'], regionAt(7)),
  },
];

/** The names of what may be measured. */
export const searchFigures = kinds.map(({ name }) => name);

function digestAsked(cipher: FieldCipher, name: string, value: string): Buffer | undefined {
  if (name.endsWith('phone')) return cipher.index(`+420${value}`, 'phone');
  if (name.endsWith('identifier')) return cipher.index(value, 'identifier');
  return name.endsWith('account') ? cipher.index(value, 'account') : undefined;
}

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
    const byAccount = `SELECT p.* FROM holding_number n JOIN party p USING (party_id) WHERE n.digest = $1`;
    const byDigest = `SELECT p.* FROM party_contact c JOIN party p USING (party_id) WHERE c.digest = $1`;
    const began = performance.now();
    const digest = digestAsked(cipher, name, value);
    if (digest) {
      const text = name.endsWith('account') ? byAccount : byDigest;
      await world.database.query({ name: `d${text.length}`, text, values: [digest] });
    } else await world.database.query({ name: `n${words.length}`, text: byName, values: words });
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
    token: kind.asker?.(world) ?? world.reader,
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
