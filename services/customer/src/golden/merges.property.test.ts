import { uuidv7 } from '@rapport/kit/runtime';
import { Consent, Interaction, ListTimelineRequest, type Party, Transaction } from '@rapport/proto/customer/v1';
import { Channel } from '@rapport/proto/type/v1';
import fc from 'fast-check';
import {
  account,
  as,
  createHolding,
  failure,
  importOf,
  operator,
  person,
  type Running,
  startCustomer,
} from '../customer.testkit.js';
import { get, merge, unmerge, update } from './golden.testkit.js';

let running: Running;
beforeAll(async () => {
  running = await startCustomer();
});
afterAll(() => running.stop());

const SIZE = 4;
type Step =
  | { do: 'merge'; into: number; of: number }
  | { do: 'unmerge' | 'import' | 'edit' | 'call' | 'consent' | 'book'; of: number };

/** A party as a simple model knows it: all that it has by itself, and whom it was merged into. */
interface Model {
  name: string;
  account: string;
  key: string;
  into: number | undefined;
  /** What its source and what staff said of the region last, with when, counted in steps. */
  imported: [at: number, region: string];
  edited: [at: number, region: string] | undefined;
  entries: Set<string>;
  consents: Set<string>;
}

const party = fc.integer({ min: 0, max: SIZE - 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('merge' as const), into: party, of: party }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('unmerge' as const), of: party }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('import', 'edit', 'call', 'consent', 'book'), of: party }),
  },
);

const row = (at: number, region: string) =>
  person({
    details: { $case: 'person', value: { givenName: 'Ota', familyName: `Malý${at}` } },
    organisationPath: `/berka/p${at}`,
    contactPoints: [],
    region,
  });

async function bring(key: string, one: Party): Promise<void> {
  const rows = [{ line: 1n, row: { $case: 'party', value: { sourceKey: key, party: { ...one, name: '' } } } }];
  await running.customer.import(importOf({ source: 'core' }, [rows]), operator());
}

async function start(run: string): Promise<Model[]> {
  return Promise.all(
    Array.from({ length: SIZE }, async (_one, at) => {
      const key = `${run}/${at}`;
      await bring(key, row(at, `r${at}`));
      const filter = { pageSize: 0, pageToken: '', organisationPath: '', relationshipManager: '', kind: 0, region: '' };
      const { parties } = await running.customer.listParties({ ...filter, source: 'core', sourceKey: key }, operator());
      const name = (parties[0] as Party).name;
      const held = await createHolding(running, name, account());
      const empty = { into: undefined, edited: undefined, entries: new Set<string>(), consents: new Set<string>() };
      return { ...empty, name, key, account: held.name, imported: [-1, `r${at}`] };
    }),
  );
}

const rootOf = (all: Model[], at: number): number => {
  const into = all[at]?.into;
  return into === undefined ? at : rootOf(all, into);
};

/** Does a step in the service and in the model. What the model refuses, the service must refuse. */
async function take(all: Model[], wanted: Step, at: number): Promise<void> {
  const one = all[wanted.of] as Model;
  const root = all[rootOf(all, wanted.of)] as Model;
  if (wanted.do === 'merge') {
    const into = rootOf(all, wanted.into);
    if (into === rootOf(all, wanted.of)) {
      expect((await failure(merge(running, (all[wanted.into] as Model).name, one.name))).reason).toBe('ALREADY_MERGED');
      return;
    }
    await merge(running, (all[wanted.into] as Model).name, one.name);
    root.into = into;
  } else if (wanted.do === 'unmerge') {
    if (one.into === undefined) expect((await failure(unmerge(running, one.name))).reason).toBe('NOT_MERGED');
    else await unmerge(running, one.name);
    one.into = undefined;
  } else if (wanted.do === 'import') {
    await bring(one.key, row(wanted.of, `i${at}`));
    one.imported = [at, `i${at}`];
  } else if (wanted.do === 'edit') {
    await update(running, one.name, { region: `e${at}` }, ['region']);
    root.edited = [at, `e${at}`];
  } else if (wanted.do === 'call') {
    const call = { channel: Channel.CHANNEL_PHONE, direction: 1, kind: 'call', time: new Date(Date.now() - 1_000) };
    const request = { parent: one.name, interaction: Interaction.fromPartial(call), requestId: uuidv7() };
    root.entries.add((await running.customer.recordInteraction(request, operator())).interaction?.name as string);
  } else if (wanted.do === 'book') {
    const amount = { minorUnits: 1n, currencyCode: 'CZK' };
    const transaction = { direction: 1, operation: 1, amount, bookingDate: { year: 2024, month: 1, day: 1 } };
    const request = { parent: one.account, transaction: Transaction.fromPartial(transaction), requestId: uuidv7() };
    one.entries.add((await running.customer.bookTransaction(request, operator())).transaction?.name as string);
  } else {
    const consent = { purpose: `p${at}`, channel: Channel.CHANNEL_EMAIL, state: 1, textVersion: '1', proof: '' };
    const request = { parent: one.name, consent: Consent.fromPartial(consent), requestId: uuidv7() };
    const said = await running.customer.setConsent(request, operator());
    root.consents.add(said.consent?.name as string);
  }
}

/** Whether the service answers for every party what the model says. */
async function compare(all: Model[]): Promise<void> {
  for (const [at, one] of all.entries()) {
    const rootAt = rootOf(all, at);
    const root = all[rootAt] as Model;
    const members = all.filter((_one, index) => rootOf(all, index) === rootAt);
    const found = await get(running, one.name);
    const said = members.flatMap(({ imported, edited }) => [imported, ...(edited ? [edited] : [])]);
    // First ones are as old as each other; then the golden record's own counts.
    const latest = Math.max(...said.map(([time]) => time));
    const region = latest === -1 ? undefined : said.find(([time]) => time === latest)?.[1];
    expect(found.name).toBe(root.name);
    expect([...found.aliases].sort()).toEqual(
      members
        .map(({ name }) => name)
        .filter((name) => name !== root.name)
        .sort(),
    );
    if (region !== undefined) expect(found.region).toBe(region);
    if (members.length === 1 && region === undefined) expect(found.region).toBe(one.imported[1]);
    expect(found.organisationPath).toBe(`/berka/p${rootAt}`);
    const list = ListTimelineRequest.fromPartial({ parent: one.name, pageSize: 1_000 });
    const { entries } = await running.customer.listTimeline(list, operator());
    const names = entries.map(({ entry }) => (entry && 'name' in entry.value ? entry.value.name : '')).sort();
    expect(names).toEqual(members.flatMap((member) => [...member.entries]).sort());
    const request = { parent: one.name, pageSize: 0, pageToken: '', history: false };
    const { consents } = await running.customer.listConsents(request, operator());
    expect(consents.map(({ name }) => name).sort()).toEqual(members.flatMap((member) => [...member.consents]).sort());
    const { view } = await running.customer.getCustomerView({ name: one.name, timelineSize: 1, parts: [] }, operator());
    expect(view?.holdings?.holdings.map(({ name }) => name).sort()).toEqual(
      members.map((member) => member.account).sort(),
    );
    // A branch sees the party and its account while the golden record stands there, and not otherwise.
    for (let branch = 0; branch < SIZE; branch++) {
      const token = as({ sub: 'staff/b', roles: ['branch_manager'], orgPath: `/berka/p${branch}` });
      const kind = branch === rootAt ? 'ok' : 'not_found';
      expect((await failure(running.customer.getParty({ name: one.name }, token))).kind).toBe(kind);
      expect((await failure(running.customer.getHolding({ name: one.account }, token))).kind).toBe(kind);
    }
  }
}

it('ends where a simple model says after any merges, unmerges, imports, edits, calls, consents and bookings', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async (steps) => {
      const all = await start(uuidv7());
      const own = all.map(({ name }) => name);
      for (const [at, wanted] of steps.entries()) await take(all, wanted, at);
      await compare(all);
      // Taken back one by one, everybody is who they were, with all that is theirs.
      for (const one of all) {
        if (one.into !== undefined) await unmerge(running, one.name);
        one.into = undefined;
      }
      await compare(all);
      expect(all.map(({ name }) => name)).toEqual(own);
    }),
    { numRuns: 8 },
  );
}, 300_000);
