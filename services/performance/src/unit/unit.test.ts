import { everything, sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import { type OrganisationUnit, StaffChanged, UnitChanged, UnitKind } from '@rapport/proto/performance/v1';
import {
  failureOf,
  newPlan,
  newUnit,
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
const all = { root: '', kind: 0, pageSize: 0, pageToken: '' };
const get = async (id: string, by = operator()): Promise<OrganisationUnit> => {
  const { organisationUnit } = await started.performance.getUnit({ name: `organisationUnits/${id}` }, by);
  return organisationUnit as OrganisationUnit;
};
const pathOf = async (id: string): Promise<string> => (await get(id)).organisationPath;
const move = (id: string, parent: string, etag = '', requestId = uuidv7()) => ({
  requestId,
  name: `organisationUnits/${id}`,
  parent: `organisationUnits/${parent}`,
  etag,
});

async function published<T>(codec: { $type: string; decode(bytes: Uint8Array): T }, since: Date): Promise<T[]> {
  const rows = await started.db.system.rows<{ payload: Buffer }>(sql`
    SELECT payload FROM kit.outbox WHERE type = ${codec.$type} AND occurred_at >= ${since} ORDER BY xid, id`);
  return rows.map((row) => codec.decode(row.payload));
}

describe('CreateUnit', () => {
  it('puts the unit under its parent, audits it and tells of it', async () => {
    const since = new Date();
    const { organisationUnit } = await started.performance.createUnit(
      newUnit('team.one', UnitKind.UNIT_KIND_TEAM, 'p1'),
      administrator,
    );
    expect(organisationUnit).toMatchObject({
      name: 'organisationUnits/team.one',
      parent: 'organisationUnits/p1',
      segment: 'team-one',
      organisationPath: '/berka/prague/1/team-one',
    });
    expect(await get('team.one')).toEqual(organisationUnit);
    expect(await published(UnitChanged, since)).toMatchObject([
      {
        unit: 'organisationUnits/team.one',
        organisationPath: '/berka/prague/1/team-one',
        previousOrganisationPath: '',
      },
    ]);
    const records = await started.db.system.rows(sql`
      SELECT actor FROM kit.audit WHERE resource = 'organisationUnits/team.one'`);
    expect(records).toEqual([{ actor: 'staff/administrator' }]);
  });

  it('answers the same request the same and changes nothing', async () => {
    const request = newUnit('again', UnitKind.UNIT_KIND_REGION, 'berka');
    const first = await started.performance.createUnit(request, operator());
    const before = await traces(started);
    expect(await started.performance.createUnit(request, operator())).toEqual(first);
    expect(await traces(started)).toEqual(before);
    const other = await failureOf(
      started.performance.createUnit({ ...request, organisationUnitId: 'changed' }, operator()),
    );
    expect(other.reason).toBe('REQUEST_ID_REUSED');
  });

  it('refuses what does not fit the tree, and changes nothing', async () => {
    const before = await traces(started);
    const reason = async (request: ReturnType<typeof newUnit>, by = administrator) =>
      (await failureOf(started.performance.createUnit(request, by))).reason;
    expect(await reason(newUnit('p1', UnitKind.UNIT_KIND_BRANCH, 'prague', '7'))).toBe('UNIT_EXISTS');
    expect(await reason(newUnit('n', UnitKind.UNIT_KIND_BRANCH, 'prague', '1'))).toBe('SEGMENT_TAKEN');
    expect(await reason(newUnit('n', UnitKind.UNIT_KIND_BRANCH, 'nowhere'))).toBe('PARENT_UNIT_NOT_FOUND');
    expect(await reason(newUnit('n', UnitKind.UNIT_KIND_REGION, 'p1'))).toBe('UNIT_KIND_MISPLACED');
    expect(await reason(newUnit('n', UnitKind.UNIT_KIND_BRANCH, 'p1'))).toBe('UNIT_KIND_MISPLACED');
    expect(await reason(newUnit('n', UnitKind.UNIT_KIND_BANK, 'p1'))).toBe('UNIT_KIND_MISPLACED');
    expect(await reason(newUnit('n', UnitKind.UNIT_KIND_BRANCH))).toBe('UNIT_KIND_MISPLACED');
    // Nobody of a bank founds another one, or builds in one.
    expect(await reason(newUnit('n', UnitKind.UNIT_KIND_BANK))).toBe('ORGANISATION_PATH_OUTSIDE');
    expect(await reason(newUnit('n', UnitKind.UNIT_KIND_TEAM, 'o1'))).toBe('PARENT_UNIT_NOT_FOUND');
    expect(await traces(started)).toEqual(before);
  });
});

describe('GetUnit and ListUnits', () => {
  it('lists parents before children, page by page', async () => {
    const seen: string[] = [];
    let pageToken = '';
    do {
      const page = await started.performance.listUnits({ ...all, pageSize: 2, pageToken }, person('auditor'));
      expect(page.organisationUnits.length).toBeLessThanOrEqual(2);
      seen.push(...page.organisationUnits.map((unit) => unit.organisationPath));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(seen).toEqual([
      '/berka',
      '/berka/brno',
      '/berka/brno/3',
      '/berka/prague',
      '/berka/prague/1',
      '/berka/prague/2',
    ]);
  });

  it('lists below a root, and by kind', async () => {
    const ids = async (over: object) =>
      (await started.performance.listUnits({ ...all, ...over }, operator())).organisationUnits.map((unit) => unit.name);
    expect(await ids({ root: 'organisationUnits/brno' })).toEqual(['organisationUnits/brno', 'organisationUnits/b3']);
    expect(await ids({ kind: UnitKind.UNIT_KIND_BANK })).toEqual([
      'organisationUnits/berka',
      'organisationUnits/other',
    ]);
    expect(await ids({ root: 'organisationUnits/nowhere' })).toEqual([]);
  });

  it('shows nothing outside of the place of the caller', async () => {
    const manager = person('branch_manager', '/berka/prague');
    const { organisationUnits } = await started.performance.listUnits(all, manager);
    expect(organisationUnits.map((unit) => unit.organisationPath)).toEqual([
      '/berka/prague',
      '/berka/prague/1',
      '/berka/prague/2',
    ]);
    for (const id of ['berka', 'b3', 'o1', 'nowhere']) {
      const failure = await failureOf(started.performance.getUnit({ name: `organisationUnits/${id}` }, manager));
      expect(failure).toMatchObject({ kind: 'not_found', reason: 'UNIT_NOT_FOUND' });
    }
    const elsewhere = await started.performance.listUnits({ ...all, root: 'organisationUnits/brno' }, manager);
    expect(elsewhere.organisationUnits).toEqual([]);
  });

  it('keeps rows outside of the scope even from a query that forgot to ask', async () => {
    const scope = { kind: 'rows', subtree: '/berka/prague' } as const;
    const hidden = await started.db.transaction(scope, async (tx) => ({
      units: await tx.rows(sql`SELECT FROM unit WHERE NOT organisation_path LIKE '/berka/prague%'`),
      staff: await tx.rows(sql`SELECT FROM staff WHERE NOT organisation_path LIKE '/berka/prague%'`),
      changed: await tx.run(sql`UPDATE staff SET display_name = 'x' WHERE staff = 'staff/a3'`),
    }));
    expect(hidden).toEqual({ units: [], staff: [], changed: 0 });
    const outside = started.db.transaction(scope, (tx) =>
      tx.run(
        sql`INSERT INTO unit_history (unit_id, record_time, version, organisation_path) VALUES ('x', now(), 1, '/berka')`,
      ),
    );
    await expect(outside).rejects.toMatchObject({ code: '42501' });
  });
});

describe('MoveUnit', () => {
  it('moves everything below, its staff and its plans, and tells of each', async () => {
    await started.performance.createUnit(newUnit('team', UnitKind.UNIT_KIND_TEAM, 'p1'), operator());
    await started.performance.createPlan(newPlan('plan', 'p1'), operator());
    const since = new Date();
    const { organisationUnit, moved } = await started.performance.moveUnit(move('p1', 'brno'), administrator);
    expect(moved).toBe(2);
    expect(organisationUnit).toMatchObject({ parent: 'organisationUnits/brno', organisationPath: '/berka/brno/1' });
    expect(await get('p1')).toEqual(organisationUnit);
    expect(await pathOf('team')).toBe('/berka/brno/1/team');
    expect(await pathOf('p2')).toBe('/berka/prague/2');
    const units = await published(UnitChanged, since);
    expect(units.map((unit) => [unit.previousOrganisationPath, unit.organisationPath]).sort()).toEqual([
      ['/berka/prague/1', '/berka/brno/1'],
      ['/berka/prague/1/team', '/berka/brno/1/team'],
    ]);
    const staff = await published(StaffChanged, since);
    expect(staff.map((one) => [one.staff, one.organisationPath]).sort()).toEqual([
      ['staff/a1', '/berka/brno/1'],
      ['staff/b1', '/berka/brno/1'],
    ]);
    const { plan } = await started.performance.getPlan({ name: 'kpiPlans/plan' }, operator());
    expect(plan?.organisationPath).toBe('/berka/brno/1');
  });

  it('answers the same request the same and changes nothing; there already is no change either', async () => {
    const request = move('p1', 'brno');
    const first = await started.performance.moveUnit(request, operator());
    const before = await traces(started);
    expect(await started.performance.moveUnit(request, operator())).toEqual(first);
    expect(await traces(started)).toEqual(before);
    expect((await started.performance.moveUnit(move('p1', 'brno'), operator())).moved).toBe(0);
  });

  it('refuses cycles, misplaced kinds, taken segments, other banks, stale etags and rows out of sight', async () => {
    await started.performance.createUnit(newUnit('b1', UnitKind.UNIT_KIND_BRANCH, 'brno', '1'), operator());
    const before = await traces(started);
    const reason = async (request: ReturnType<typeof move>, by = operator()) =>
      (await failureOf(started.performance.moveUnit(request, by))).reason;
    expect(await reason(move('prague', 'p1'))).toBe('UNIT_CYCLE');
    expect(await reason(move('prague', 'prague'))).toBe('UNIT_CYCLE');
    expect(await reason(move('berka', 'other'))).toBe('UNIT_KIND_MISPLACED');
    expect(await reason(move('prague', 'b3'))).toBe('UNIT_KIND_MISPLACED');
    expect(await reason(move('p1', 'brno'))).toBe('SEGMENT_TAKEN');
    expect(await reason(move('p1', 'other'))).toBe('PARENT_IN_OTHER_TREE');
    expect(await reason(move('p2', 'brno', '"stale"'))).toBe('ETAG_MISMATCH');
    expect(await reason(move('nowhere', 'brno'))).toBe('UNIT_NOT_FOUND');
    expect(await reason(move('p2', 'nowhere'))).toBe('PARENT_UNIT_NOT_FOUND');
    const regional = person('administrator', '/berka/prague');
    expect(await reason(move('b3', 'prague'), regional)).toBe('UNIT_NOT_FOUND');
    expect(await reason(move('p2', 'brno'), regional)).toBe('PARENT_UNIT_NOT_FOUND');
    expect(await traces(started)).toEqual(before);
  });

  it('takes the etag of the unit as it is', async () => {
    const { etag } = await get('p2');
    await started.performance.moveUnit(move('p2', 'brno', etag), operator());
    expect((await failureOf(started.performance.moveUnit(move('p2', 'prague', etag), operator()))).kind).toBe(
      'conflict',
    );
  });

  it('keeps the tree whole when units move and are added at once', async () => {
    const { performance } = started;
    await performance.createUnit(newUnit('east', UnitKind.UNIT_KIND_REGION, 'berka'), operator());
    const work: Promise<unknown>[] = [];
    for (let round = 0; round < 6; round += 1) {
      work.push(performance.moveUnit(move('p1', round % 2 ? 'brno' : 'east'), operator()));
      work.push(performance.createUnit(newUnit(`t${round}`, UnitKind.UNIT_KIND_TEAM, 'p1'), operator()));
    }
    await Promise.all(work);
    const broken = await started.db.transaction(everything, (tx) =>
      tx.rows(sql`
        SELECT unit.unit_id FROM unit LEFT JOIN unit parent ON parent.unit_id = unit.parent_id
        WHERE unit.organisation_path <> coalesce(parent.organisation_path, '') || '/' || unit.segment`),
    );
    expect(broken).toEqual([]);
    const staff = await started.db.system.rows(sql`
      SELECT staff FROM staff JOIN unit USING (unit_id) WHERE staff.organisation_path <> unit.organisation_path`);
    expect(staff).toEqual([]);
  });
});
