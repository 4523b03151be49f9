import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import { type Case, CaseState, ListCasesRequest } from '@rapport/proto/cases/v1';
import {
  agent,
  allRoles,
  as,
  counts,
  failure,
  manager,
  open,
  operator,
  party,
  type RunningCases,
  startCases,
} from '../cases.testkit.js';

let running: RunningCases;
let prague: Case;
let brno: Case;
let mine: Case;
let demo: Case;
beforeAll(async () => {
  running = await startCases();
  const at = (day: number) => new Date(Date.UTC(2016, 4, day, 9));
  prague = await open(running, { receiveTime: at(2) });
  brno = await open(running, {
    receiveTime: at(3),
    organisationPath: '/berka/brno/7',
    type: 'caseTypes/enquiry',
    assignee: 'staff/anna',
    party: party('2'),
  });
  mine = await open(running, { receiveTime: at(4), organisationPath: '/berka/brno/7', assignee: 'staff/mara' });
  running.customer.answer = () => '/demo/1';
  demo = await open(running, { receiveTime: at(5), organisationPath: '/demo/1' });
  running.customer.answer = () => '/berka/prague/1';
  await running.cases.resolveCase(
    { requestId: uuidv7(), name: brno.name, resolution: 'Done', etag: '', occurTime: at(4) },
    operator(),
  );
});
afterAll(() => running.stop());

const list = async (over: Partial<ListCasesRequest>, caller = operator()) =>
  running.cases.listCases(ListCasesRequest.fromPartial(over), caller);
const names = async (over: Partial<ListCasesRequest>, caller = operator()) =>
  (await list(over, caller)).cases.map((one) => one.name);
const statistics = (caller = operator(), organisationPath = '') =>
  running.cases.getCaseStatistics({ organisationPath }, caller);

test.each<[string, () => Partial<ListCasesRequest>, () => Case[]]>([
  ['everything, those due first at the front', () => ({}), () => [brno, prague, mine, demo]],
  ['due last', () => ({ orderBy: 'due_time desc' }), () => [demo, mine, prague, brno]],
  ['received last', () => ({ orderBy: 'receive_time desc' }), () => [demo, mine, brno, prague]],
  [
    'by state',
    () => ({ states: [CaseState.CASE_STATE_RESOLVED, CaseState.CASE_STATE_OPEN] }),
    () => [brno, prague, demo],
  ],
  ['by assignee', () => ({ assignee: 'staff/mara' }), () => [mine]],
  ['by party', () => ({ party: party('2') }), () => [brno]],
  ['by type', () => ({ type: 'caseTypes/enquiry' }), () => [brno]],
  ['overdue', () => ({ overdue: true }), () => [prague, mine, demo]],
  ['under a path', () => ({ organisationPath: '/berka/brno' }), () => [brno, mine]],
  ['all filters at once', () => ({ organisationPath: '/berka', overdue: true, assignee: 'staff/mara' }), () => [mine]],
])('lists %s', async (_what, over, wanted) => {
  expect(await names(over())).toEqual(wanted().map((one) => one.name));
});

test.each(['', 'due_time desc', 'receive_time desc'])(
  'pages in the order "%s" give every case once',
  async (orderBy) => {
    // Of one moment, so that only the name tells them apart, and in a bank of their own.
    running.customer.answer = () => '/paging';
    const receiveTime = new Date('2016-06-01T08:00:00Z');
    const organisationPath = `/paging/${uuidv7()}`;
    for (let more = 0; more < 7; more += 1) await open(running, { receiveTime, organisationPath });
    await open(running, { receiveTime: new Date('2016-07-01T08:00:00Z'), organisationPath });
    const whole = await names({ orderBy, organisationPath, pageSize: 1000 });
    expect(whole).toHaveLength(8);
    const seen: string[] = [];
    let pageToken = '';
    do {
      const page = await list({ orderBy, organisationPath, pageSize: 3, pageToken });
      expect(page.cases.length).toBeLessThanOrEqual(3);
      seen.push(...page.cases.map((one) => one.name));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(seen).toEqual(whole);
  },
);

test('a page token of other filters, a broken one and bad filters are refused', async () => {
  const { nextPageToken } = await list({ pageSize: 1 });
  for (const [over, field] of [
    [{ pageToken: nextPageToken, overdue: true }, 'page_token'],
    [{ pageToken: 'AAAA' }, 'page_token'],
    [{ pageSize: -1 }, 'page_size'],
    [{ pageSize: 1001 }, 'page_size'],
    [{ orderBy: 'number' }, 'order_by'],
    [{ states: [99] }, 'states[0]'],
    [{ party: 'parties/x' }, 'party'],
    [{ assignee: 'mara' }, 'assignee'],
    [{ organisationPath: 'berka' }, 'organisation_path'],
  ] as [Partial<ListCasesRequest>, string][]) {
    expect(await failure(list(over))).toMatchObject({ kind: 'invalid', fields: [field] });
  }
});

test('an agent sees the cases below, nothing of another bank, and counts the same', async () => {
  const seen = await names({ pageSize: 1000 }, agent('/berka/brno'));
  expect(seen.sort()).toEqual([brno.name, mine.name].sort());
  expect(await statistics(agent('/berka/brno'))).toMatchObject({ open: 1n, resolved: 1n, overdue: 1n });
  expect(await names({}, agent('/demo'))).toEqual([demo.name]);
  expect(await names({ organisationPath: '/berka' }, agent('/demo'))).toEqual([]);
  expect(await statistics(agent('/demo'), '/berka')).toMatchObject({ open: 0n, resolved: 0n, types: [] });
});

test('a relationship manager sees the branch and the own cases elsewhere', async () => {
  const seen = await names({ pageSize: 1000, overdue: true, orderBy: 'receive_time desc' }, manager());
  expect(seen).toContain(prague.name);
  expect(seen).toContain(mine.name);
  expect(await names({}, manager('staff/mara', '/berka/brno/1'))).toEqual([mine.name]);
  const reading = manager('staff/mara', '/berka/brno/1');
  expect((await running.cases.getCase({ name: mine.name }, reading)).case?.subject).toBe('Charged twice');
  const { entries } = await running.cases.listCaseHistory({ parent: mine.name, pageSize: 0, pageToken: '' }, reading);
  expect(entries.length).toBeGreaterThan(0);
});

test('a case outside of what the caller covers is not found, nor is its history', async () => {
  for (const caller of [agent('/berka/prague'), agent('/demo'), manager()]) {
    expect(await failure(running.cases.getCase({ name: brno.name }, caller))).toMatchObject({
      reason: 'CASE_NOT_FOUND',
      kind: 'not_found',
    });
    const history = running.cases.listCaseHistory({ parent: brno.name, pageSize: 0, pageToken: '' }, caller);
    expect((await failure(history)).reason).toBe('CASE_NOT_FOUND');
  }
});

test('row security stands behind the filters: a query without them sees no more', async () => {
  const scope = { kind: 'rows', subtree: '/berka/brno' } as const;
  for (const table of ['service_case', 'case_history'] as const) {
    const rows = await running.db
      .scoped(scope)
      .rows<{ caseId: string }>(sql`SELECT DISTINCT case_id AS "caseId" FROM ${sql.raw(table)}`);
    expect(rows.map(({ caseId }) => `cases/${caseId}`).sort()).toEqual([brno.name, mine.name].sort());
    const none = await running.db.scoped({ kind: 'nothing' }).rows(sql`SELECT FROM ${sql.raw(table)}`);
    expect(none).toEqual([]);
  }
  const part = await running.db.scoped({ kind: 'nothing' }).rows(sql`SELECT FROM service_case_0`);
  expect(part).toEqual([]);
});

test('an analyst sees where cases stand, not what they are about', async () => {
  const analyst = as({ sub: 'staff/lin', roles: ['analyst'], orgPath: '/berka' });
  const { case: masked } = await running.cases.getCase({ name: brno.name }, analyst);
  expect(masked).toMatchObject({ name: brno.name, type: brno.type, subject: '', description: '', resolution: '' });
  const [row] = (await list({ party: party('2') }, analyst)).cases;
  expect(row).toMatchObject({ name: brno.name, subject: '' });
});

test('a list leaves descriptions out', async () => {
  const [row] = (await list({ party: party('2') })).cases;
  expect(row).toMatchObject({ subject: 'Charged twice', description: '' });
});

test.each([
  ['getCase', ['relationship_manager', 'call_centre_agent', 'branch_manager', 'auditor', 'analyst', 'operator']],
  ['listCases', ['relationship_manager', 'call_centre_agent', 'branch_manager', 'auditor', 'analyst', 'operator']],
  ['listCaseHistory', ['relationship_manager', 'call_centre_agent', 'branch_manager', 'auditor', 'operator']],
  [
    'getCaseStatistics',
    ['relationship_manager', 'call_centre_agent', 'branch_manager', 'auditor', 'analyst', 'operator'],
  ],
] as const)('%s is for those the bank has decided', async (rpc, may) => {
  for (const role of allRoles) {
    const caller = as({ sub: 'staff/x', roles: [role], orgPath: '/berka/prague/1' });
    const asked = {
      getCase: () => running.cases.getCase({ name: prague.name }, caller),
      listCases: () => list({}, caller),
      listCaseHistory: () => running.cases.listCaseHistory({ parent: prague.name, pageSize: 0, pageToken: '' }, caller),
      getCaseStatistics: () => statistics(caller),
    }[rpc];
    expect([role, (await failure(asked())).kind]).toEqual([
      role,
      (may as readonly string[]).includes(role) ? 'ok' : 'denied',
    ]);
  }
});

test('malformed reads are refused with the field', async () => {
  expect(await failure(running.cases.getCase({ name: 'cases/1' }, operator()))).toMatchObject({
    kind: 'invalid',
    fields: ['name'],
  });
  expect(
    await failure(running.cases.listCaseHistory({ parent: '', pageSize: 0, pageToken: '' }, operator())),
  ).toMatchObject({ kind: 'invalid', fields: ['parent'] });
  expect(await failure(statistics(operator(), 'x'))).toMatchObject({ kind: 'invalid', fields: ['organisation_path'] });
});

test('reading a case, a list and a history is audited, and changes nothing else', async () => {
  const reader = as({ sub: 'staff/otto', roles: ['auditor'], orgPath: '/demo' });
  const before = await counts(running);
  await running.cases.getCase({ name: demo.name }, reader);
  await list({}, reader);
  await running.cases.listCaseHistory({ parent: demo.name, pageSize: 0, pageToken: '' }, reader);
  const rows = await running.db.system.rows<{ action: string }>(sql`
    SELECT action FROM kit.audit WHERE actor = 'staff/otto' AND resource = ${demo.name} ORDER BY at`);
  expect(rows.map(({ action }) => action.split('/')[1])).toEqual(['GetCase', 'ListCases', 'ListCaseHistory']);
  expect(await counts(running)).toEqual(before);
});

test('statistics count by type, and what nobody has', async () => {
  const answer = await statistics(agent('/berka/brno'));
  expect(answer.types).toEqual([
    { type: 'caseTypes/complaint', open: 1n, overdue: 1n, total: 1n },
    { type: 'caseTypes/enquiry', open: 0n, overdue: 0n, total: 1n },
  ]);
  expect(answer).toMatchObject({ unassigned: 0n, openComplaints: 1n, closed: 0n });
  expect(await statistics(agent('/demo'))).toMatchObject({ unassigned: 1n });
});

test('a history is paged from the oldest line on', async () => {
  const parent = mine.name;
  const whole = await running.cases.listCaseHistory({ parent, pageSize: 0, pageToken: '' }, operator());
  const first = await running.cases.listCaseHistory({ parent, pageSize: 3, pageToken: '' }, operator());
  const rest = await running.cases.listCaseHistory({ parent, pageSize: 3, pageToken: first.nextPageToken }, operator());
  expect([...first.entries, ...rest.entries]).toEqual(whole.entries);
  expect(rest.nextPageToken).toBe('');
});
