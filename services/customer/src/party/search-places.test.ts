import { everything, type Scope, sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import { Household, type Party } from '@rapport/proto/customer/v1';
import { seen } from '../access/access.js';
import { all, createParty, operator, person, type Running, startCustomer } from '../customer.testkit.js';
import { findByName, queryWords } from './search-names.js';
import { waysTo } from './search-places.js';

let running: Running;

/** 48 parties: each name in each of the branches, by turns with each of three managers. */
beforeAll(async () => {
  running = await startCustomer();
  const made: Party[] = [];
  const names = [
    ['Jana', 'Nováková'],
    ['Jan', 'Novák'],
    ['Jan', 'Nowak'],
    ['Petr', 'Novák'],
    ['小明', '王'],
    ['Janina', 'Janů'],
  ] as const;
  const branches = ['/berka/brno', '/berka/brno/1', '/berka/brno/2', '/berka/brno-venkov', '/berka/prague/1', '/b'];
  for (const [at, organisationPath] of [...branches, '/berka/brno/2/a', '/berka/brno/3'].entries())
    for (const [index, [givenName, familyName]] of names.entries())
      made.push(
        await createParty(
          running,
          person({
            details: { $case: 'person', value: { givenName, familyName } },
            contactPoints: [],
            organisationPath,
            relationshipManager: (at + index) % 4 === 0 ? '' : `staff/rm${(at + index) % 4}`,
          }),
        ),
      );
  // A customer of the first manager lives with one of the second.
  const [own, other] = ['staff/rm1', 'staff/rm2'].map((manager) =>
    made.find((one) => one.relationshipManager === manager),
  );
  const household = Household.fromPartial({
    kind: 1,
    members: [
      { party: own?.name, role: 1 },
      { party: other?.name, role: 2 },
    ],
  });
  await running.households.createHousehold({ household, requestId: uuidv7() }, operator());
});
afterAll(() => running.stop());

const rows = (scope: Omit<Scope & { kind: 'rows' }, 'kind'>): Scope => ({ kind: 'rows', ...scope });

describe('the ways to a small part of the bank', () => {
  it.each<[string, Scope, string, number]>([
    ['a manager', rows({ own: 'staff/rm1' }), '', 1],
    ['a team', rows({ own: 'staff/rm1', team: ['staff/rm2', 'staff/rm3'] }), '', 1],
    ['a branch', rows({ branch: '/berka/brno/1' }), '', 1],
    ['a subtree', rows({ subtree: '/berka/brno' }), '', 1],
    ['a manager and a branch', rows({ own: 'staff/rm1', branch: '/berka/brno/1' }), '', 2],
    ['a household', rows({ own: 'staff/rm1', household: 'staff/rm1' }), '', 2],
    ['the whole bank, a part asked for', everything, '/berka/brno', 1],
    ['a subtree, a part asked for', rows({ subtree: '/berka' }), '/berka/brno/2', 1],
    ['a manager, a part asked for', rows({ own: 'staff/rm1' }), '/berka/brno', 1],
    ['the whole bank', everything, '', 0],
    ['a place without parties', rows({ subtree: '/nowhere' }), '', 1],
  ])('find for %s whom the walk through all finds, in the same order', async (_who, scope, organisationPath, count) => {
    const on = running.db.scoped(scope);
    const ways = await waysTo(on, scope, organisationPath);
    expect(ways).toHaveLength(count);
    const below = sql`(d.organisation_path = ${organisationPath} OR starts_with(d.organisation_path, ${`${organisationPath}/`}))`;
    const place = organisationPath === '' ? seen(scope, 'd') : sql`${seen(scope, 'd')} AND ${below}`;
    for (const text of [
      'jan',
      'novak jan',
      'jan novka',
      'nov',
      'wang',
      'xiaoming wang',
      'novakova',
      'janina',
      'nobody',
    ]) {
      const words = queryWords(text);
      const walked = await findByName(on, words, { place, ways: [] }, undefined, 100);
      expect(await findByName(on, words, { place, ways }, undefined, 100)).toEqual(walked);
      // From within, as the next page does.
      const middle = walked[Math.floor(walked.length / 2)];
      const rest = await findByName(on, words, { place, ways }, middle, 100);
      expect(rest).toEqual(middle ? walked.slice(walked.indexOf(middle) + 1) : walked);
    }
  });

  it('are none to a part with very many branches', async () => {
    await all(
      running,
      sql`INSERT INTO party_word (party_id, word, organisation_path, manager)
        SELECT gen_random_uuid(), 'x', '/wide/' || n, '' FROM generate_series(1, 64) AS n`,
    );
    const scope = rows({ subtree: '/wide' });
    expect(await waysTo(running.db.scoped(scope), scope, '')).toEqual([]);
  });
});
