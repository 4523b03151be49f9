import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import { LifeEvent, LifeEventRecorded, type Party } from '@rapport/proto/customer/v1';
import {
  all,
  as,
  createParty,
  eventTypes,
  failure,
  operator,
  person,
  type Running,
  startCustomer,
} from '../customer.testkit.js';

let running: Running;
let jana: Party;

beforeAll(async () => {
  running = await startCustomer();
  jana = await createParty(running, person({ relationshipManager: 'staff/rm1' }));
});
afterAll(() => running.stop());

const manager = () => as({ sub: 'staff/rm1', roles: ['relationship_manager'], orgPath: '/berka/prague/1' });
const agent = () => as({ sub: 'staff/cc1', roles: ['call_centre_agent'], orgPath: '/berka' });
const lifeEvent = (over: object = {}) =>
  LifeEvent.fromPartial({ kind: 2, startDate: { year: 2026, month: 5, day: 1 }, certainty: 2, ...over });
const record = async (from: LifeEvent | undefined, options = operator(), requestId = uuidv7()) =>
  (await running.portrait.recordLifeEvent({ parent: jana.name, lifeEvent: from, requestId }, options))
    .lifeEvent as LifeEvent;
const list = async (options = operator(), over: object = {}) =>
  (
    await running.portrait.listLifeEvents(
      { parent: jana.name, pageSize: 0, pageToken: '', showRetracted: false, ...over },
      options,
    )
  ).lifeEvents;
const update = (from: LifeEvent, updateMask: string[], options = operator()) =>
  running.portrait.updateLifeEvent({ lifeEvent: from, updateMask, requestId: uuidv7() }, options);

describe('life events', () => {
  it('are recorded once, changed with their etag, and taken back without being lost', async () => {
    const requestId = uuidv7();
    const wedding = await record(lifeEvent({ source: 'conversation' }), operator(), requestId);
    expect(await record(lifeEvent({ source: 'conversation' }), operator(), requestId)).toEqual(wedding);
    expect(wedding).toMatchObject({ recordedBy: 'olga', etag: '"1"', retractTime: undefined });
    const period = await record(
      lifeEvent({ kind: 12, otherKind: 'sabbatical', endDate: { year: 2026, month: 9, day: 1 } }),
    );
    expect(await list()).toEqual([period, wedding].sort((a, b) => (a.name < b.name ? 1 : -1)));
    const day = { year: 2026, month: 5, day: 9 };
    const { lifeEvent: moved } = await update({ ...wedding, startDate: day, certainty: 1 }, [
      'start_date',
      'certainty',
    ]);
    expect(moved).toMatchObject({ startDate: day, certainty: 1, source: 'conversation', etag: '"2"' });
    expect(await failure(update({ ...wedding, certainty: 3 }, ['certainty']))).toMatchObject({ kind: 'conflict' });
    const before = await eventTypes(running);
    await update(moved as LifeEvent, ['certainty']);
    expect(await eventTypes(running)).toEqual(before);
    await running.portrait.retractLifeEvent({ name: wedding.name, requestId: uuidv7() }, operator());
    await running.portrait.retractLifeEvent({ name: wedding.name, requestId: uuidv7() }, operator());
    expect(await list()).toEqual([period]);
    expect((await list(operator(), { showRetracted: true })).map(({ name }) => name).sort()).toEqual(
      [wedding.name, period.name].sort(),
    );
    expect(await failure(update(moved as LifeEvent, ['certainty']))).toMatchObject({ reason: 'LIFE_EVENT_RETRACTED' });
    expect((await eventTypes(running)).slice(1)).toEqual([
      'LifeEventRecorded',
      'LifeEventRecorded',
      'LifeEventRecorded',
      'LifeEventRetracted',
    ]);
    const [told] = await all<{ payload: Buffer }>(
      running,
      sql`SELECT payload FROM kit.outbox WHERE type LIKE '%LifeEventRecorded' ORDER BY id`,
    );
    expect(LifeEventRecorded.decode(told?.payload as Buffer)).toMatchObject({
      party: jana.name,
      kind: 2,
      certainty: 2,
    });
  });

  it('of the most sensitive kinds are absent for whom the class is not permitted', async () => {
    const bereavement = await record(lifeEvent({ kind: 9 }), manager());
    expect((await list(manager())).map(({ name }) => name)).toContain(bereavement.name);
    expect((await list(agent())).map(({ name }) => name)).not.toContain(bereavement.name);
    expect(await failure(record(lifeEvent({ kind: 9 }), agent()))).toMatchObject({ kind: 'not_found' });
    const harmless = await record(lifeEvent({ kind: 4 }), agent());
    expect(await failure(update({ ...harmless, kind: 3 }, ['kind'], agent()))).toMatchObject({ kind: 'not_found' });
    const retract = running.portrait.retractLifeEvent({ name: bereavement.name, requestId: uuidv7() }, agent());
    expect(await failure(retract)).toMatchObject({ reason: 'LIFE_EVENT_NOT_FOUND' });
  });

  it.each<[string, object, string]>([
    ['an impossible day', { startDate: { year: 2026, month: 2, day: 30 } }, 'life_event.start_date'],
    ['an end before the beginning', { endDate: { year: 2026, month: 4, day: 30 } }, 'life_event.end_date'],
    ['OTHER without saying what', { kind: 12 }, 'life_event.other_kind'],
    ['a code with another kind', { otherKind: 'sabbatical' }, 'life_event.other_kind'],
  ])('refuse %s', async (_what, over, field) => {
    expect(await failure(record(lifeEvent(over)))).toMatchObject({ reason: 'LIFE_EVENT_INVALID', fields: [field] });
  });

  it('are not for strangers', async () => {
    for (const role of ['marketer', 'marketing_approver', 'analyst', 'administrator']) {
      expect(await failure(record(lifeEvent(), as({ roles: [role] })))).toMatchObject({ kind: 'denied' });
      expect(await failure(list(as({ roles: [role] })))).toMatchObject({ kind: 'denied' });
    }
    const brno = as({ sub: 'b', roles: ['branch_manager'], orgPath: '/berka/brno' });
    expect(await failure(record(lifeEvent(), brno))).toMatchObject({ reason: 'PARTY_NOT_FOUND' });
    expect(await failure(list(brno))).toMatchObject({ reason: 'PARTY_NOT_FOUND' });
    const auditor = as({ sub: 'a', roles: ['auditor'], orgPath: '/' });
    expect(await failure(record(lifeEvent(), auditor))).toMatchObject({ kind: 'denied' });
    expect((await list(auditor)).length).toBeGreaterThan(0);
  });
});
