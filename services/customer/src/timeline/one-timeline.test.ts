import { uuidv7 } from '@rapport/kit/runtime';
import {
  BehaviourEvent,
  Goal,
  Interaction,
  LifeEvent,
  type Party,
  type TimelineEntry,
  TimelineEntryKind,
  Transaction,
} from '@rapport/proto/customer/v1';
import fc from 'fast-check';
import {
  account,
  createHolding,
  createParty,
  operator,
  person,
  type Running,
  startCustomer,
} from '../customer.testkit.js';
import { followServices, type ServiceEvent } from './follow-services.js';

let running: Running;
const start = Date.parse('2026-03-02T10:00:00Z');

beforeAll(async () => {
  running = await startCustomer({ now: () => new Date(start + 90 * 86_400_000) });
});
afterAll(() => running.stop());

const minute = (at: number) => new Date(start + at * 60_000);
const ask = (parent: string, over: object = {}) =>
  running.customer.listTimeline(
    {
      parent,
      pageSize: 0,
      pageToken: '',
      kind: 0,
      kinds: [],
      channels: [],
      startTime: undefined,
      endTime: undefined,
      transactionKind: 0,
      transactionChannel: 0,
      category: '',
      minimumMinorUnits: 0n,
      maximumMinorUnits: 0n,
      holding: '',
      ...over,
    },
    operator(),
  );
const told = (type: string, message: object) =>
  ({ type: `rapport.${type}`, event: message, meta: { id: uuidv7(), occurred: new Date() } }) as ServiceEvent;
/** What tells one entry from another. */
function identity({ entry, time }: TimelineEntry): string {
  const value = entry?.value as unknown as Record<string, unknown>;
  const own = value['name'] || value['delivery'] || value['session'] || `${value['caseName']} ${value['step']}`;
  return `${entry?.$case} ${String(own)} ${time?.getTime()}`;
}

/** Writers of every kind; each writes one entry at a minute. */
const writers = {
  interaction: async (parent: string, at: number) => {
    const interaction = Interaction.fromPartial({ channel: 3, direction: 1, kind: 'call', time: minute(at) });
    await running.customer.recordInteraction({ parent, interaction, requestId: uuidv7() }, operator());
  },
  behaviour: async (parent: string, at: number) => {
    const key = uuidv7();
    const one = { party: parent, time: minute(at), kind: 1, topic: 'funds', channel: 5, key, session: key };
    const events = [BehaviourEvent.fromPartial(one)];
    await running.portrait.recordBehaviour({ source: 'app', events, requestId: uuidv7() }, operator());
  },
  campaign: async (party: string, at: number) => {
    const campaign = `campaigns/${uuidv7()}`;
    const delivery = `${campaign}/deliveries/${uuidv7()}`;
    const message = { delivery, campaign, party, channel: 1, purpose: 'offers', templateVersion: 'templates/a@1' };
    await followServices(running.deps)([told('marketing.v1.MessageSent', { ...message, sendTime: minute(at) })]);
  },
  case: async (party: string, at: number) => {
    const message = { case: `cases/${uuidv7()}`, type: 'caseTypes/loan', isComplaint: true, party, channel: 6 };
    await followServices(running.deps)([told('cases.v1.CaseOpened', { ...message, receiveTime: minute(at) })]);
  },
  transaction: async (parent: string, at: number, holding: string) => {
    const transaction = Transaction.fromPartial({
      direction: 1,
      operation: 1,
      amount: { minorUnits: 5n, currencyCode: 'CZK' },
      bookingDate: { year: 2026, month: 3, day: 2 },
      bookingTime: minute(at),
    });
    await running.customer.bookTransaction({ parent: holding, transaction, requestId: uuidv7() }, operator());
  },
  lifeEvent: async (parent: string, at: number) => {
    const startDate = { year: 2026, month: 3, day: 1 + (at % 28) };
    const lifeEvent = LifeEvent.fromPartial({ kind: 4, startDate, certainty: 2 });
    await running.portrait.recordLifeEvent({ parent, lifeEvent, requestId: uuidv7() }, operator());
  },
};
const names = Object.keys(writers) as (keyof typeof writers)[];

async function pages(parent: string, pageSize: number, between: () => Promise<unknown> = async () => undefined) {
  const seen: TimelineEntry[] = [];
  let pageToken = '';
  do {
    const page = await ask(parent, { pageSize, pageToken });
    seen.push(...page.entries);
    pageToken = page.nextPageToken;
    if (pageToken !== '') await between();
  } while (pageToken !== '');
  return seen;
}

describe('the one timeline', () => {
  let jana: Party;
  beforeAll(async () => {
    jana = await createParty(running);
    const { name } = await createHolding(running, jana.name, account());
    for (const [index, kind] of names.entries()) await writers[kind](jana.name, index, name);
  });

  it('shows every kind, filters by kind, channel and period, and agrees with the view', async () => {
    const { entries } = await ask(jana.name);
    expect(entries.map(({ entry }) => entry?.$case).sort()).toEqual([
      'behaviour',
      'campaign',
      'caseStep',
      'interaction',
      'lifeEvent',
      'transaction',
    ]);
    for (let kind = 1; kind <= 6; kind += 1) expect((await ask(jana.name, { kind })).entries).toHaveLength(1);
    const two = [TimelineEntryKind.TIMELINE_ENTRY_KIND_CASE, TimelineEntryKind.TIMELINE_ENTRY_KIND_BEHAVIOUR];
    const cases = async (over: object) => (await ask(jana.name, over)).entries.map(({ entry }) => entry?.$case).sort();
    expect(await cases({ kinds: two })).toEqual(['behaviour', 'caseStep']);
    expect(await cases({ kinds: two, kind: two[0] })).toEqual(['caseStep']);
    expect(await cases({ channels: [3, 1] })).toEqual(['campaign', 'interaction']);
    expect(await cases({ startTime: minute(1), endTime: minute(3) })).toEqual(['behaviour', 'campaign']);
    expect(await cases({ minimumMinorUnits: 1n })).toEqual(['transaction']);
    expect(entries.find(({ entry }) => entry?.$case === 'caseStep')?.entry?.value).toMatchObject({
      type: 'caseTypes/loan',
      step: 1,
      isComplaint: true,
    });
    const { view } = await running.customer.getCustomerView(
      { name: jana.name, timelineSize: 0, parts: [] },
      operator(),
    );
    expect(view?.timeline?.entries).toEqual(entries);
    expect(view?.lifeEvents?.lifeEvents).toHaveLength(1);
  });

  it('keeps an event that comes again once, and leaves out the most sensitive life events', async () => {
    const party = await createParty(running);
    const campaign = 'campaigns/c';
    const message = {
      delivery: `${campaign}/deliveries/d`,
      campaign,
      party: party.name,
      channel: 1,
      purpose: 'offers',
    };
    const suppressed = told('marketing.v1.MessageSuppressed', {
      ...message,
      decision: 4,
      reason: 6,
      decideTime: minute(1),
    });
    await followServices(running.deps)([suppressed]);
    await followServices(running.deps)([suppressed, told('cases.v1.CaseClosed', { case: 'cases/x', party: '' })]);
    const lifeEvent = LifeEvent.fromPartial({ kind: 9, startDate: { year: 2026, month: 1, day: 1 }, certainty: 1 });
    const manager = operator();
    await running.portrait
      .recordLifeEvent({ parent: party.name, lifeEvent, requestId: uuidv7() }, manager)
      .catch(() => undefined);
    const { entries } = await ask(party.name);
    expect(entries.map(({ entry }) => entry)).toMatchObject([
      { $case: 'campaign', value: { decision: 'suppressed', reason: 'no_consent', templateVersion: '' } },
    ]);
  });

  it('neither repeats nor hides an entry while others write, wherever they write', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom(...names), fc.nat(30)), { minLength: 8, maxLength: 20 }),
        fc.array(fc.tuple(fc.constantFrom(...names), fc.nat(30)), { minLength: 4, maxLength: 16 }),
        fc.integer({ min: 1, max: 5 }),
        async (before, meanwhile, size) => {
          const party = await createParty(running, person());
          const { name } = await createHolding(running, party.name, account());
          for (const [kind, at] of before) await writers[kind](party.name, at, name);
          const there = (await ask(party.name, { pageSize: 1000 })).entries.map(identity);
          expect(there).toHaveLength(before.length);
          const waiting = [...meanwhile];
          // Two write at each turn of a page, one more while the page is read.
          const writing: Promise<unknown>[] = [];
          const write = () => {
            const next = waiting.shift();
            if (next) writing.push(writers[next[0]](party.name, next[1], name));
          };
          const seen = await pages(party.name, size, async () => {
            write();
            write();
            await Promise.all(writing);
            write();
          });
          await Promise.all(writing);
          const ids = seen.map(identity);
          expect(new Set(ids).size).toBe(ids.length);
          expect(there.filter((id) => !ids.includes(id))).toEqual([]);
          const now = (await ask(party.name, { pageSize: 1000 })).entries.map(identity);
          // In the order of the whole, too.
          expect(ids).toEqual(now.filter((id) => ids.includes(id)));
        },
      ),
      { numRuns: 12 },
    );
  }, 120_000);
});

describe('GetCustomerView', () => {
  it('shows goals with their progress and changes of behaviour', async () => {
    const party = await createParty(running);
    const { name } = await createHolding(
      running,
      party.name,
      account({ balance: { minorUnits: 40n, currencyCode: 'CZK' } }),
    );
    const goal = Goal.fromPartial({ kind: 4, target: { minorUnits: 100n, currencyCode: 'CZK' }, holdings: [name] });
    const made = await running.portrait.setGoal({ parent: party.name, goal, requestId: uuidv7() }, operator());
    const events = Array.from({ length: 60 }, (_none, day) =>
      Array.from({ length: day < 58 ? 1 : 12 }, (_more, index) =>
        BehaviourEvent.fromPartial({
          party: party.name,
          time: new Date(start + (31 + day) * 86_400_000 - 3_600_000),
          kind: 1,
          topic: 'funds',
          channel: 7,
          key: `${day}-${index}`,
        }),
      ),
    ).flat();
    await running.portrait.recordBehaviour({ source: 'web', events, requestId: uuidv7() }, operator());
    const { view } = await running.customer.getCustomerView(
      { name: party.name, timelineSize: 1, parts: [] },
      operator(),
    );
    expect(view?.goals?.goals).toEqual([made.goal]);
    expect(view?.goals?.goals[0]?.progressPercent).toBe(40);
    const listed = await running.portrait.listBehaviourChanges(
      { parent: party.name, pageSize: 0, pageToken: '' },
      operator(),
    );
    expect(view?.behaviourChanges?.behaviourChanges).toEqual(listed.behaviourChanges);
    expect(listed.behaviourChanges.map(({ measure }) => measure?.code).sort()).toEqual(['funds', 'web']);
    expect(view?.timeline?.entries).toHaveLength(1);
    for (const part of [view?.goals, view?.behaviourChanges, view?.lifeEvents, view?.portrait]) {
      expect(part?.asOf).toBeDefined();
    }
  });
});
