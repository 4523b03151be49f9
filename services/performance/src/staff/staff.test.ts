import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import { StaffChanged, StaffState } from '@rapport/proto/performance/v1';
import {
  failureOf,
  inRole,
  newStaff,
  operator,
  person,
  populate,
  type Started,
  startPerformance,
  traces,
} from '../performance.testkit.js';

let started: Started;

beforeEach(async () => {
  started = await startPerformance();
  await populate(started);
});
afterEach(() => started.stop());

const administrator = person('administrator');
const all = { unit: '', role: '', state: 0, pageSize: 0, pageToken: '' };
const create = (staffId: string, unit: string, over: Parameters<typeof newStaff>[2] = {}) => ({
  requestId: uuidv7(),
  ...newStaff(staffId, unit, over),
});

describe('CreateStaff', () => {
  it('adds the person, active unless told, audits it, and tells of it without the name', async () => {
    const request = create('new', 'p1', { displayName: 'Jana Secret' });
    const { staff } = await started.performance.createStaff(request, administrator);
    expect(staff).toMatchObject({
      name: 'staff/new',
      displayName: 'Jana Secret',
      unit: 'organisationUnits/p1',
      organisationPath: '/berka/prague/1',
      state: StaffState.STAFF_STATE_ACTIVE,
    });
    expect(await started.performance.getStaff({ name: 'staff/new' }, administrator)).toEqual({ staff });
    const [event] = await started.db.system.rows<{ payload: Buffer; aggregate: string }>(sql`
      SELECT payload, aggregate FROM kit.outbox WHERE subject = 'staff/new'`);
    expect(StaffChanged.decode(event?.payload ?? Buffer.alloc(0))).toMatchObject({
      staff: 'staff/new',
      roles: ['relationship_manager'],
    });
    expect(event?.payload.toString('latin1')).not.toContain('Secret');
    const audits = await started.db.system.rows<{ text: string }>(sql`
      SELECT audit::text AS text FROM kit.audit AS audit WHERE resource = 'staff/new'`);
    expect(audits.length).toBeGreaterThan(0);
    expect(JSON.stringify(audits)).not.toContain('Secret');
  });

  it('answers the same request the same and changes nothing', async () => {
    const request = create('again', 'p1');
    const first = await started.performance.createStaff(request, administrator);
    const before = await traces(started);
    expect(await started.performance.createStaff(request, administrator)).toEqual(first);
    expect(await traces(started)).toEqual(before);
  });

  it('refuses a taken id, and units out of sight', async () => {
    const before = await traces(started);
    const reason = async (request: ReturnType<typeof create>) =>
      (await failureOf(started.performance.createStaff(request, administrator))).reason;
    expect(await reason(create('a1', 'p1'))).toBe('STAFF_EXISTS');
    expect(await reason(create('x1', 'p1'))).toBe('STAFF_EXISTS');
    expect(await reason(create('new', 'o1'))).toBe('UNIT_UNKNOWN');
    expect(await traces(started)).toEqual(before);
  });
});

describe('BatchCreateStaff', () => {
  it('adds who is not there yet and gives all, in the order asked for', async () => {
    const people = [newStaff('z', 'p2'), newStaff('a1', 'b3', { displayName: 'Ignored' }), newStaff('y', 'p1')];
    const request = { requestId: uuidv7(), staff: people };
    const first = await started.performance.batchCreateStaff(request, administrator);
    expect(first.existing).toBe(1);
    expect(first.staff.map((one) => [one.name, one.displayName, one.organisationPath])).toEqual([
      ['staff/z', 'Name of z', '/berka/prague/2'],
      ['staff/a1', 'Name of a1', '/berka/prague/1'],
      ['staff/y', 'Name of y', '/berka/prague/1'],
    ]);
    const before = await traces(started);
    expect(await started.performance.batchCreateStaff(request, administrator)).toEqual(first);
    expect(await traces(started)).toEqual(before);
    const again = await started.performance.batchCreateStaff({ ...request, requestId: uuidv7() }, administrator);
    expect(again).toEqual({ ...first, existing: 3 });
  });

  it('adds nobody when one of them cannot be added', async () => {
    const before = await traces(started);
    const batch = (...staff: ReturnType<typeof newStaff>[]) =>
      failureOf(started.performance.batchCreateStaff({ requestId: uuidv7(), staff }, administrator));
    expect((await batch(newStaff('new', 'p1'), newStaff('more', 'o1'))).reason).toBe('UNIT_UNKNOWN');
    const hidden = await batch(newStaff('new', 'p1'), newStaff('x1', 'p1'));
    expect(hidden).toMatchObject({ reason: 'STAFF_EXISTS', violations: [{ field: 'staff[1].staff_id' }] });
    expect(await traces(started)).toEqual(before);
  });

  it('takes a thousand at once', async () => {
    const staff = Array.from({ length: 1_000 }, (_, index) => newStaff(`m${index}`, 'p1'));
    const answer = await started.performance.batchCreateStaff({ requestId: uuidv7(), staff }, administrator);
    expect(answer.staff).toHaveLength(1_000);
    expect(answer.existing).toBe(0);
  });
});

describe('GetStaff and ListStaff', () => {
  it('lists by name, page by page, filtered by unit, role and state', async () => {
    const left = newStaff('gone', 'p1', { roles: ['branch_manager'], state: StaffState.STAFF_STATE_LEFT });
    await started.performance.batchCreateStaff({ requestId: uuidv7(), staff: [left] }, operator());
    const names = async (over: Partial<typeof all>, by = administrator) => {
      const seen: string[] = [];
      let pageToken = '';
      do {
        const page = await started.performance.listStaff({ ...all, ...over, pageSize: 2, pageToken }, by);
        seen.push(...page.staff.map((one) => one.name.slice('staff/'.length)));
        pageToken = page.nextPageToken;
      } while (pageToken !== '');
      return seen;
    };
    expect(await names({})).toEqual(['a1', 'a2', 'a3', 'b1', 'b2', 'b3', 'gone']);
    expect(await names({ unit: 'organisationUnits/prague' })).toEqual(['a1', 'a2', 'b1', 'b2', 'gone']);
    expect(await names({ role: 'branch_manager' })).toEqual(['gone']);
    expect(await names({ state: StaffState.STAFF_STATE_ACTIVE, unit: 'organisationUnits/p1' })).toEqual(['a1', 'b1']);
    expect(await names({ unit: 'organisationUnits/o1' })).toEqual([]);
    expect(await names({}, person('branch_manager', '/berka/prague/2'))).toEqual(['a2', 'b2']);
  });

  it('shows nobody outside of the place of the caller', async () => {
    for (const name of ['staff/a3', 'staff/x1', 'staff/nobody']) {
      const failure = await failureOf(
        started.performance.getStaff({ name }, person('branch_manager', '/berka/prague')),
      );
      expect(failure).toMatchObject({ kind: 'not_found', reason: 'STAFF_NOT_FOUND' });
    }
  });

  it('gives a service everybody, without names', async () => {
    const { staff } = await started.performance.getStaff({ name: 'staff/a1' }, inRole('service'));
    expect(staff).toMatchObject({ name: 'staff/a1', displayName: '', organisationPath: '/berka/prague/1' });
  });

  it('records who was shown', async () => {
    await started.performance.listStaff({ ...all, unit: 'organisationUnits/p2' }, person('auditor'));
    const read = await started.db.system.rows(sql`
      SELECT resource FROM kit.audit WHERE actor = 'staff/auditor' ORDER BY resource`);
    expect(read).toEqual([{ resource: 'staff/a2' }, { resource: 'staff/b2' }]);
  });
});
