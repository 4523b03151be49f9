import { Failure } from '@rapport/kit/rpc';
import { uuidv7 } from '@rapport/kit/runtime';
import { type Case, CasePriority, CaseState, ComplaintStep } from '@rapport/proto/cases/v1';
import { sql } from '@rapport/kit/db';
import {
  agent,
  allRoles,
  as,
  counts,
  eventsOf,
  failure,
  manager,
  opening,
  operator,
  party,
  type RunningCases,
  startCases,
} from '../cases.testkit.js';

let running: RunningCases;
beforeAll(async () => {
  running = await startCases();
});
afterAll(() => running.stop());
beforeEach(() => {
  running.customer.answer = () => '/berka/prague/1';
});

test('opens a complaint with its clocks, its first step, its history, its events and an audit record', async () => {
  const received = new Date('2016-03-24T15:30:00Z');
  const request = opening({ receiveTime: received, assignee: 'staff/anna', source: 'cfpb', sourceKey: '1/first' });
  const answer = await running.cases.openCase(request, operator());
  expect(answer.existing).toBe(false);
  const opened = answer.case as Case;
  expect(opened).toMatchObject({
    number: expect.stringMatching(/^C-\d{4}-\d{6}$/),
    type: 'caseTypes/complaint',
    party: request.party,
    subject: request.subject,
    description: request.description,
    state: CaseState.CASE_STATE_ASSIGNED,
    priority: CasePriority.CASE_PRIORITY_NORMAL,
    isComplaint: true,
    complaintStep: ComplaintStep.COMPLAINT_STEP_RECEIVED,
    complaintSteps: [{ step: ComplaintStep.COMPLAINT_STEP_RECEIVED, occurTime: received, actor: 'staff/operator' }],
    assignee: 'staff/anna',
    // Thursday 16:30 in Prague: half an hour is left that day; the clocks go forward on the Sunday after.
    responseDueTime: new Date('2016-03-28T14:30:00Z'),
    dueTime: new Date('2016-04-07T14:30:00Z'),
    receiveTime: received,
    source: 'cfpb',
    sourceKey: '1/first',
  });
  expect(await running.cases.getCase({ name: opened.name }, operator())).toEqual({ case: opened });
  expect(await eventsOf(running, opened.name)).toEqual(['CaseOpened', 'ComplaintStepReached', 'CaseAssigned']);
  const { entries } = await running.cases.listCaseHistory(
    { parent: opened.name, pageSize: 0, pageToken: '' },
    operator(),
  );
  expect(entries.map((entry) => entry.change?.$case)).toEqual([
    'stateChange',
    'complaintStep',
    'assignment',
    'stateChange',
  ]);
  expect(entries[0]?.occurTime).toEqual(received);
  expect(entries[0]?.recordTime?.getTime()).toBeGreaterThan(received.getTime());
  const records = await running.db.system.rows<{ actor: string; detail: unknown }>(
    sql`SELECT actor, detail FROM kit.audit WHERE resource = ${opened.name} AND action LIKE '%/OpenCase'`,
  );
  expect(records).toHaveLength(1);
  expect(JSON.stringify(records)).not.toContain(request.subject);
});

test('a case without a party is opened without asking customer', async () => {
  running.customer.asked.length = 0;
  const { case: opened } = await running.cases.openCase(opening({ party: '', type: 'caseTypes/enquiry' }), agent());
  expect(opened).toMatchObject({ party: '', state: CaseState.CASE_STATE_OPEN, isComplaint: false, complaintSteps: [] });
  expect(running.customer.asked).toEqual([]);
});

test('the same source key answers the case that is there and changes nothing', async () => {
  const first = await running.cases.openCase(opening({ source: 'cfpb', sourceKey: '2' }), operator());
  const before = await counts(running);
  // Whatever became of the party meanwhile.
  running.customer.answer = () => new Failure('PARTY_NOT_FOUND', 'not_found', 'gone');
  const again = await running.cases.openCase(
    opening({ source: 'cfpb', sourceKey: '2', subject: 'Other words' }),
    operator(),
  );
  expect(again).toEqual({ case: first.case, existing: true });
  expect(await counts(running)).toEqual({ ...before, 'kit.idempotency': (before['kit.idempotency'] ?? 0) + 1 });
});

test('the source key belongs to a book: another bank may use it too', async () => {
  const berka = await running.cases.openCase(opening({ source: 'cfpb', sourceKey: '3' }), operator());
  running.customer.answer = () => '/demo/1';
  const demo = await running.cases.openCase(
    opening({ source: 'cfpb', sourceKey: '3', organisationPath: '/demo/1' }),
    operator(),
  );
  expect(demo.existing).toBe(false);
  expect(demo.case?.name).not.toBe(berka.case?.name);
});

test('a source key of a case that the caller may not see is refused without showing it', async () => {
  await running.cases.openCase(
    opening({ source: 'cfpb', sourceKey: '4', organisationPath: '/berka/brno/9' }),
    operator(),
  );
  const before = await counts(running);
  const request = opening({ source: 'cfpb', sourceKey: '4' });
  expect(await failure(running.cases.openCase(request, manager()))).toMatchObject({ reason: 'SOURCE_KEY_TAKEN' });
  expect(await counts(running)).toEqual(before);
});

test('twelve that open the same source key at once get one case', async () => {
  const answers = await Promise.all(
    Array.from({ length: 12 }, () => running.cases.openCase(opening({ source: 'cfpb', sourceKey: '5' }), operator())),
  );
  expect(new Set(answers.map((answer) => answer.case?.name)).size).toBe(1);
  expect(answers.filter((answer) => !answer.existing)).toHaveLength(1);
});

test('the same request id answers the stored answer, also while customer is away, and refuses other arguments', async () => {
  const request = opening();
  const first = await running.cases.openCase(request, operator());
  const before = await counts(running);
  running.customer.answer = () => new Failure('UNAVAILABLE', 'unavailable', 'away');
  expect(await running.cases.openCase(request, operator())).toEqual(first);
  expect(await failure(running.cases.openCase({ ...request, subject: 'x' }, operator()))).toMatchObject({
    reason: 'REQUEST_ID_REUSED',
  });
  expect(await counts(running)).toEqual(before);
});

test.each([
  ['request_id', { requestId: '' }],
  ['request_id', { requestId: 'not-a-uuid' }],
  ['type', { type: 'complaint' }],
  ['type', { type: '' }],
  ['party', { party: 'parties/1' }],
  ['channel', { channel: 0 }],
  ['channel', { channel: 99 }],
  ['subject', { subject: '' }],
  ['subject', { subject: 'x'.repeat(301) }],
  ['description', { description: 'x'.repeat(50_001) }],
  ['organisation_path', { organisationPath: '' }],
  ['organisation_path', { organisationPath: '/' }],
  ['organisation_path', { organisationPath: 'berka' }],
  ['branch', { branch: '1' }],
  ['priority', { priority: 9 }],
  ['assignee', { assignee: 'anna' }],
  ['source', { source: 'CFPB', sourceKey: '1' }],
  ['source_key', { source: 'cfpb', sourceKey: 'x'.repeat(201) }],
  ['receive_time', { receiveTime: new Date('1899-12-31T23:00:00Z') }],
])('refuses a bad %s and changes nothing: %#', async (field, over) => {
  const before = await counts(running);
  const refusal = await failure(running.cases.openCase(opening(over), operator()));
  expect(refusal.kind).toBe('invalid');
  expect(refusal.fields).toContain(field);
  expect(await counts(running)).toEqual(before);
});

test.each([
  ['INVALID_ARGUMENT', '', 'invalid', { source: 'cfpb' }],
  ['an unknown type', 'CASE_TYPE_NOT_FOUND', 'invalid', { type: 'caseTypes/nothing' }],
  ['a receipt in the future', 'TIME_IN_FUTURE', 'invalid', { receiveTime: new Date(Date.now() + 60_000) }],
])('refuses %s and changes nothing', async (_what, reason, kind, over) => {
  const before = await counts(running);
  const refusal = await failure(running.cases.openCase(opening(over), operator()));
  expect(refusal.kind).toBe(kind);
  if (reason !== '') expect(refusal.reason).toBe(reason);
  expect(await counts(running)).toEqual(before);
});

test.each([
  ['is not there', new Failure('PARTY_NOT_FOUND', 'not_found', 'none'), 'PARTY_NOT_FOUND', 'invalid'],
  ['may not be asked for', new Failure('PERMISSION_DENIED', 'denied', 'none'), 'PARTY_NOT_FOUND', 'invalid'],
  ['belongs to another bank', '/demo/1', 'PARTY_NOT_FOUND', 'invalid'],
  ['cannot be checked', new Failure('X', 'unavailable', 'away'), 'CUSTOMER_UNAVAILABLE', 'unavailable'],
  ['takes too long to check', new Failure('X', 'deadline', 'late'), 'CUSTOMER_UNAVAILABLE', 'unavailable'],
])('opens nothing for a party that %s', async (_what, answer, reason, kind) => {
  running.customer.answer = () => answer;
  const before = await counts(running);
  const request = opening({ source: 'cfpb', sourceKey: 'never', party: party('2') });
  // Without `retry: false` the client would try again when the service says that it may.
  expect(await failure(running.cases.openCase(request, { ...operator(), retry: false }))).toMatchObject({
    reason,
    kind,
  });
  expect(await counts(running)).toEqual(before);
});

test.each(allRoles)('%s may open a case or may not, as the bank has decided', async (role) => {
  const may = ['relationship_manager', 'call_centre_agent', 'branch_manager', 'operator'].includes(role);
  const before = await counts(running);
  const result = await failure(
    running.cases.openCase(
      opening({ requestId: uuidv7() }),
      as({ sub: 'staff/someone', roles: [role], orgPath: '/berka/prague/1' }),
    ),
  );
  expect(result.kind).toBe(may ? 'ok' : 'denied');
  if (!may) expect(await counts(running)).toEqual(before);
});

test.each([
  ['an agent, in another bank', agent('/berka'), { organisationPath: '/demo/1' }],
  ['an agent, beside the own region', agent('/berka/prague'), { organisationPath: '/berka/praguesouth/1' }],
  ['a relationship manager, in another branch for somebody else', manager(), { organisationPath: '/berka/prague/2' }],
  [
    'a relationship manager, in another branch for oneself',
    manager(),
    { organisationPath: '/berka/prague/2', assignee: 'staff/mara' },
  ],
])('refuses to open outside of what the caller covers: %s', async (_what, caller, over) => {
  const before = await counts(running);
  expect(await failure(running.cases.openCase(opening(over), caller))).toMatchObject({
    reason: 'ORGANISATION_PATH_OUTSIDE',
    kind: 'denied',
  });
  expect(await counts(running)).toEqual(before);
});

test('a call without a token is refused', async () => {
  expect(await failure(running.cases.openCase(opening()))).toMatchObject({ kind: 'unauthenticated' });
});
