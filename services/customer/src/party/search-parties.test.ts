import { sql } from '@rapport/kit/db';
import { type Party, SearchPartiesRequest } from '@rapport/proto/customer/v1';
import {
  account,
  all,
  as,
  createHolding,
  createParty,
  failure,
  operator,
  person,
  type Running,
  startCustomer,
} from '../customer.testkit.js';
import { nameTerms } from './search-terms.js';
import { slips } from './similar-words.js';

let running: Running;
const made: Record<string, Party> = {};

const named = (givenName: string, familyName: string, over: object = {}) =>
  person({ details: { $case: 'person', value: { givenName, familyName } }, contactPoints: [], ...over });

beforeAll(async () => {
  running = await startCustomer();
  const parties: Record<string, Party> = {
    jana: named('Jana', 'Nováková', {
      contactPoints: [
        { point: { $case: 'phone', value: '601 123 456' } },
        { point: { $case: 'email', value: 'jana@firma.cz' } },
      ],
      identifiers: [{ kind: 1, value: '736028/5163', countryCode: 'CZ' }],
      source: 'core',
      sourceKey: 'client/77',
    }),
    janina: named('Janina', 'Novák'),
    ludwig: named('Ludwig', 'van Beethoven', { organisationPath: '/berka/brno/1', relationshipManager: 'staff/rm1' }),
    lukasz: named('Łukasz', 'Müller'),
    xiaoming: named('小明', '王'),
    lvbu: named('布', '吕'),
    ouyang: named('娜娜', '欧阳'),
    pekarna: person({
      contactPoints: [],
      details: {
        $case: 'organisation',
        value: { legalName: 'Pekárna Slunce, s.r.o.', registrationNumber: '27074358' },
      },
    }),
    bank: person({ contactPoints: [], details: { $case: 'organisation', value: { legalName: '北京银行' } } }),
  };
  for (const [key, party] of Object.entries(parties)) made[key] = await createParty(running, party);
  await createHolding(
    running,
    made.jana?.name as string,
    account({ source: 'core', sourceKey: 'account/CZ65 0800 0000 1920 0014 5399' }),
  );
});
afterAll(() => running.stop());

const search = (query: SearchPartiesRequest['query'], over: object = {}, token = operator()) =>
  running.customer.searchParties({ query, organisationPath: '', pageSize: 0, pageToken: '', ...over }, token);
const keyOf = (party: Party) => Object.entries(made).find(([, one]) => one.name === party.name)?.[0];
const found = async (...args: Parameters<typeof search>) => (await search(...args)).parties.map(keyOf);
const text = (value: string) => ({ $case: 'text' as const, value });
const name = (value: string) => ({ $case: 'name' as const, value });

describe('a name', () => {
  it.each([
    ['nováková jana', ['jana']],
    ['NOVAK', ['janina', 'jana']],
    ['jan nov', ['jana', 'janina']],
    ['beethovn', ['ludwig']],
    ['ludwgi beethoven', ['ludwig']],
    ['Bethoveen Ludwig', ['ludwig']],
    ['nvoakova', ['jana']],
    ['lukasz muller', ['lukasz']],
    ['Mueller', ['lukasz']],
    ['王小明', ['xiaoming']],
    ['小明', ['xiaoming']],
    ['王 小明', ['xiaoming']],
    ['wangxiaoming', ['xiaoming']],
    ['Xiaoming Wang', ['xiaoming']],
    ['wáng xiǎo míng', ['xiaoming']],
    ['wang2 xiao3ming2', ['xiaoming']],
    ['xioaming', ['xiaoming']],
    ['wxm', ['xiaoming']],
    ['lü bu', ['lvbu']],
    ['lv bu', ['lvbu']],
    ['ouyang nana', ['ouyang']],
    ['北京', ['bank']],
    ['beijingyinhang', ['bank']],
    ['slunce pekarna', ['pekarna']],
    ['nobody', []],
  ])('%s finds %j', async (query, expected) => {
    expect(await found(name(query))).toEqual(expected);
  });

  it('shows Chinese names as they are written', () => {
    expect([made.xiaoming?.displayName, made.ouyang?.displayName]).toEqual(['王小明', '欧阳娜娜']);
  });
});

describe('a whole value', () => {
  it.each<[SearchPartiesRequest['query'], string[]]>([
    [{ $case: 'phone', value: '+420 601 123 456' }, ['jana']],
    [{ $case: 'phone', value: '601-123-456' }, ['jana']],
    [{ $case: 'email', value: 'Jana@FIRMA.cz' }, ['jana']],
    [{ $case: 'identifier', value: '7360285163' }, ['jana']],
    [{ $case: 'identifier', value: '736028 / 5163' }, ['jana']],
    [{ $case: 'identifier', value: '27074358' }, ['pekarna']],
    [{ $case: 'account', value: 'cz65 08000000192000145399' }, ['jana']],
    [{ $case: 'sourceKey', value: 'client/77' }, ['jana']],
    [{ $case: 'sourceKey', value: 'client/7' }, []],
    [text('601123456'), ['jana']],
    [text('jana@firma.cz'), ['jana']],
    [text('736028/5163'), ['jana']],
    [text('CZ6508000000192000145399'), ['jana']],
    [text('client/77'), ['jana']],
    [text('Nováková'), ['jana']],
    [text('王小明'), ['xiaoming']],
  ])('%j finds %j', async (query, expected) => {
    expect(await found(query)).toEqual(expected);
  });

  it('is found no longer when it changed', async () => {
    const party = await createParty(running, named('Zdeněk', 'Wehmuthovič'));
    const updated = await running.customer.updateParty(
      {
        party: { ...party, ...named('Zdeněk', 'Vlk'), name: party.name, etag: party.etag },
        updateMask: ['person'],
        requestId: party.name.slice(8),
      },
      operator(),
    );
    expect(updated.party?.displayName).toBe('Zdeněk Vlk');
    expect(await found(name('wehmuthovic'))).toEqual([]);
    // Not even among the words, where it would tell that there was such a name.
    expect(await all(running, sql`SELECT word FROM name_word WHERE word IN ('wehmuthovic', 'zdenek')`)).toEqual([
      { word: 'zdenek' },
    ]);
    await running.db.system.run(sql`DELETE FROM party_word WHERE party_id = ${party.name.slice(8)}`);
    expect(await all(running, sql`SELECT word FROM name_word WHERE word IN ('vlk', 'zdenek')`)).toEqual([]);
  });
});

describe('what the caller may not see', () => {
  const manager = () => as({ sub: 'staff/rm1', roles: ['relationship_manager'], orgPath: '/berka/brno/1' });
  const other = () => as({ sub: 'staff/rm2', roles: ['branch_manager'], orgPath: '/berka/brno/2' });

  it('is absent, whichever way it is asked for', async () => {
    expect(await found(name('beethoven'), {}, manager())).toEqual(['ludwig']);
    for (const query of [
      name('beethoven'),
      name('beethovn'),
      name('jana'),
      text('601123456'),
      text('client/77'),
      text('CZ6508000000192000145399'),
    ]) {
      expect(await found(query, {}, other())).toEqual([]);
      if (query !== undefined && query.value !== 'beethoven' && query.value !== 'beethovn')
        expect(await found(query, {}, manager())).toEqual([]);
    }
    expect(await found(name('jana'), { organisationPath: '/berka/brno' })).toEqual([]);
    const marketer = as({ sub: 'staff/m', roles: ['marketer'], orgPath: '/berka' });
    expect((await failure(search(text('jana'), {}, marketer))).kind).toBe('denied');
  });

  it('is audited when it is seen', async () => {
    await found(name('beethoven'), {}, manager());
    const seen = await all(running, sql`SELECT DISTINCT resource FROM kit.audit WHERE actor = 'staff/rm1'`);
    expect(seen).toEqual([{ resource: made.ludwig?.name }]);
  });
});

describe('pages', () => {
  it('give each party once, in one order, through all ranks', async () => {
    const path = '/berka/pages';
    const wanted = new Set<string>();
    for (const [given, family] of [
      ['Karel', 'Dvořák'],
      ['Karla', 'Dvořáková'],
      ['Karel', 'Dvořák'],
      ['Dvořák', 'Dvořák'],
      ['Karel', 'Dvoořák'],
      ['Karel', 'Dvorka'],
      ['Dvořáčková', 'Dvořáková'],
      ['Jan', 'Dvořák'],
    ] as const) {
      wanted.add((await createParty(running, named(given, family, { organisationPath: path }))).name);
    }
    const page = async (query: SearchPartiesRequest['query'], pageToken: string, pageSize: number) =>
      search(query, { pageToken, pageSize, organisationPath: path });
    for (const query of [name('dvorak'), name('karel dvorak'), name('dvorak k'), text('dvorak')]) {
      const whole = (await page(query, '', 0)).parties.map((party) => party.name);
      for (const size of [1, 2, 3]) {
        const seen: string[] = [];
        for (let token = ''; ; ) {
          const { parties, nextPageToken } = await page(query, token, size);
          seen.push(...parties.map((party) => party.name));
          token = nextPageToken;
          if (token === '') break;
        }
        expect(seen).toEqual(whole);
      }
      expect(new Set(whole).size).toBe(whole.length);
    }
    const all8 = (await page(name('dvorak'), '', 0)).parties.map((party) => party.name);
    expect(new Set(all8)).toEqual(wanted);
    const first = await page(name('dvorak'), '', 2);
    expect((await failure(page(name('karel'), first.nextPageToken, 2))).kind).toBe('invalid');
  });
});

describe('slips', () => {
  it.each([
    ['jana', 'jana', 0],
    ['jana', 'jnaa', 1],
    ['jana', 'jan', 1],
    ['jana', 'janka', 1],
    ['novakova', 'nvoakvoa', 2],
    ['jana', 'petr', 3],
    ['', 'ab', 2],
  ])('%s and %s are %i apart', (a, b, distance) => {
    expect(slips(a, b, 2)).toBe(distance);
    expect(slips(b, a, 2)).toBe(distance);
  });
});

describe('the words of a name', () => {
  it('are few, whatever the name', () => {
    const long = Array.from({ length: 90 }, (_none, at) => `w${at}`).join(' ');
    expect(nameTerms({ displayName: long, givenName: long, familyName: '' }).words).toHaveLength(24);
    expect(nameTerms({ displayName: '!!!', givenName: '!', familyName: '!!' }).words).toEqual([]);
  });
});
