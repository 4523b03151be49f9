import { uuidv7 } from '@rapport/kit/runtime';
import {
  type Case,
  CaseState,
  ComplaintStep,
  type CaseClosed as Closed,
  CaseClosed,
  CaseReopened,
  CaseResolved,
  ComplaintStepReached,
} from '@rapport/proto/cases/v1';
import { sql } from '@rapport/kit/db';
import {
  advance,
  agent,
  as,
  counts,
  eventsOf,
  failure,
  manager,
  open,
  operator,
  type RunningCases,
  startCases,
} from '../cases.testkit.js';

let running: RunningCases;
beforeAll(async () => {
  running = await startCases();
});
afterAll(() => running.stop());

const { RECORDED, RESPONDED, TRACKED, ANSWERED, RECEIVED } = {
  RECEIVED: ComplaintStep.COMPLAINT_STEP_RECEIVED,
  RECORDED: ComplaintStep.COMPLAINT_STEP_RECORDED,
  RESPONDED: ComplaintStep.COMPLAINT_STEP_RESPONDED,
  TRACKED: ComplaintStep.COMPLAINT_STEP_TRACKED,
  ANSWERED: ComplaintStep.COMPLAINT_STEP_ANSWERED,
};
const at = (text: string) => new Date(text);

const step = (name: string, to: ComplaintStep, occurTime?: Date, etag = '') =>
  running.cases.advanceComplaint({ requestId: uuidv7(), name, step: to, etag, occurTime }, operator());
const resolve = (name: string, occurTime?: Date, etag = '') =>
  running.cases.resolveCase({ requestId: uuidv7(), name, resolution: 'Paid back.', etag, occurTime }, operator());
const close = (name: string, occurTime?: Date) =>
  running.cases.closeCase({ requestId: uuidv7(), name, etag: '', occurTime }, operator());
const reopen = (name: string, occurTime?: Date) =>
  running.cases.reopenCase({ requestId: uuidv7(), name, reason: 'Not content', etag: '', occurTime }, operator());
const assign = (name: string, assignee: string, caller = operator()) =>
  running.cases.assignCase({ requestId: uuidv7(), name, assignee, etag: '', occurTime: undefined }, caller);
const note = (name: string, caller = operator(), text = 'Called back.') =>
  running.cases.addNote({ requestId: uuidv7(), name, text, occurTime: undefined }, caller);
const get = async (name: string) => (await running.cases.getCase({ name }, operator())).case as Case;

async function lastEvent<T>(name: string, codec: { $type: string; decode(bytes: Uint8Array): T }): Promise<T> {
  const row = await running.db.system.one<{ payload: Buffer }>(sql`
    SELECT payload FROM kit.outbox WHERE subject = ${name} AND type = ${codec.$type} ORDER BY id DESC LIMIT 1`);
  return codec.decode(row.payload);
}

/** Refused for this reason, and nothing changed. */
async function expectRefused(call: () => Promise<unknown>, reason: string): Promise<void> {
  const before = await counts(running);
  expect((await failure(call())).reason).toBe(reason);
  expect(await counts(running)).toEqual(before);
}

test('a complaint goes through its five steps, is resolved, closed, and tells so', async () => {
  const received = at('2016-03-21T09:00:00Z');
  const { name } = await open(running, { receiveTime: received, assignee: 'staff/anna' });
  await step(name, RECORDED, at('2016-03-21T10:00:00Z'));
  const responded = (await step(name, RESPONDED, at('2016-03-22T10:00:00Z'))).case as Case;
  expect(responded).toMatchObject({
    state: CaseState.CASE_STATE_IN_PROGRESS,
    complaintStep: RESPONDED,
    responseTime: at('2016-03-22T10:00:00Z'),
  });
  expect(await lastEvent(name, ComplaintStepReached)).toMatchObject({ step: RESPONDED, responseInTime: true });
  await step(name, TRACKED, at('2016-03-23T10:00:00Z'));
  await step(name, ANSWERED, at('2016-03-24T10:00:00Z'));
  await resolve(name, at('2016-03-24T11:00:00Z'));
  const closed = (await close(name, at('2016-03-25T10:00:00Z'))).case as Case;
  expect(closed).toMatchObject({
    state: CaseState.CASE_STATE_CLOSED,
    resolution: 'Paid back.',
    resolveTime: at('2016-03-24T11:00:00Z'),
    closeTime: at('2016-03-25T10:00:00Z'),
    breached: false,
  });
  expect(closed.complaintSteps.map((one) => one.step)).toEqual([RECEIVED, RECORDED, RESPONDED, TRACKED, ANSWERED]);
  expect(await eventsOf(running, name)).toEqual([
    'CaseOpened',
    'ComplaintStepReached',
    'CaseAssigned',
    ...Array<string>(4).fill('ComplaintStepReached'),
    'CaseResolved',
    'CaseClosed',
  ]);
  const event: Closed = await lastEvent(name, CaseClosed);
  expect(event).toMatchObject({
    case: name,
    assignee: 'staff/anna',
    organisationPath: '/berka/prague/1',
    receiveTime: received,
    resolveTime: closed.resolveTime,
    closeTime: closed.closeTime,
    resolvedInTime: true,
    responseInTime: true,
    reopenCount: 0,
  });
  expect(JSON.stringify(CaseClosed.toJSON(event))).not.toContain('Charged twice');
});

test('no step is skipped, none is taken twice, and only complaints have steps', async () => {
  const { name } = await open(running);
  await expectRefused(() => step(name, RESPONDED), 'COMPLAINT_STEP_SKIPPED');
  await expectRefused(() => step(name, ANSWERED), 'COMPLAINT_STEP_SKIPPED');
  await expectRefused(() => step(name, RECEIVED), 'COMPLAINT_STEP_REACHED');
  await step(name, RECORDED);
  await expectRefused(() => step(name, RECORDED), 'COMPLAINT_STEP_REACHED');
  const enquiry = await open(running, { type: 'caseTypes/enquiry' });
  await expectRefused(() => step(enquiry.name, RECORDED), 'NOT_A_COMPLAINT');
});

test('of many that take the same step at once one does', async () => {
  const { name } = await open(running);
  const results = await Promise.all(Array.from({ length: 8 }, () => failure(step(name, RECORDED))));
  expect(results.filter((result) => result.kind === 'ok')).toHaveLength(1);
  expect(results.filter((result) => result.reason === 'COMPLAINT_STEP_REACHED')).toHaveLength(7);
  expect((await get(name)).complaintSteps).toHaveLength(2);
});

test('the database itself refuses a case that cannot be', async () => {
  const { name } = await open(running);
  const id = name.slice('cases/'.length);
  const set = (assignment: string) =>
    running.db.system.run(sql`UPDATE service_case SET ${sql.raw(assignment)} WHERE case_id = ${id}`);
  await expect(set('state = 5, resolve_time = now(), close_time = now()')).rejects.toMatchObject({ code: '23514' });
  await expect(set("step_times = '{}', step_actors = '{}'")).rejects.toMatchObject({ code: '23514' });
  await expect(set('state = 2')).rejects.toMatchObject({ code: '23514' });
  await expect(
    running.db.system.run(sql`UPDATE case_history SET actor = 'staff/other' WHERE case_id = ${id}`),
  ).rejects.toMatchObject({ code: '42501' });
});

test('a complaint closes only when it was answered, any case only when it was resolved', async () => {
  const { name } = await open(running, { assignee: 'staff/anna' });
  await expectRefused(() => close(name), 'CASE_NOT_RESOLVED');
  await resolve(name);
  await expectRefused(() => resolve(name), 'CASE_CLOSED');
  await expectRefused(() => close(name), 'COMPLAINT_NOT_ANSWERED');
  await advance(running, name, RECORDED, ANSWERED);
  await close(name);
  await expectRefused(() => close(name), 'CASE_CLOSED');
  await expectRefused(() => assign(name, 'staff/bert'), 'CASE_CLOSED');
  await expectRefused(() => resolve(name), 'CASE_CLOSED');
});

test('a case that nobody has cannot be resolved', async () => {
  const { name } = await open(running);
  await expectRefused(() => resolve(name), 'CASE_NOT_ASSIGNED');
});

test('a case is reopened from resolved and from closed, keeps its due times, and closes again', async () => {
  const opened = await open(running, { type: 'caseTypes/enquiry', assignee: 'staff/anna' });
  const { name } = opened;
  await expectRefused(() => reopen(name), 'CASE_NOT_RESOLVED');
  await resolve(name);
  const first = (await reopen(name)).case as Case;
  expect(first).toMatchObject({
    state: CaseState.CASE_STATE_REOPENED,
    reopenCount: 1,
    resolveTime: undefined,
    dueTime: opened.dueTime,
    assignee: 'staff/anna',
  });
  expect((await assign(name, 'staff/anna')).case?.state).toBe(CaseState.CASE_STATE_ASSIGNED);
  await resolve(name);
  await close(name);
  const second = (await reopen(name)).case as Case;
  expect(second).toMatchObject({ reopenCount: 2, closeTime: undefined });
  expect(await lastEvent(name, CaseReopened)).toMatchObject({
    reopenCount: 2,
    previousState: CaseState.CASE_STATE_CLOSED,
  });
  await resolve(name);
  await close(name);
  expect(await lastEvent(name, CaseClosed)).toMatchObject({ reopenCount: 2 });
});

test('assigning says who had it before; giving it to who has it changes nothing', async () => {
  const { name } = await open(running);
  const first = (await assign(name, 'staff/anna')).case as Case;
  expect(first).toMatchObject({ state: CaseState.CASE_STATE_ASSIGNED, assignee: 'staff/anna' });
  const again = (await assign(name, 'staff/anna')).case as Case;
  expect(again).toEqual(first);
  await assign(name, 'staff/bert');
  expect((await eventsOf(running, name)).filter((type) => type === 'CaseAssigned')).toHaveLength(2);
  const { entries } = await running.cases.listCaseHistory({ parent: name, pageSize: 0, pageToken: '' }, operator());
  expect(entries.flatMap(({ change }) => (change?.$case === 'assignment' ? [change.value] : []))).toEqual([
    { previousAssignee: '', assignee: 'staff/anna' },
    { previousAssignee: 'staff/anna', assignee: 'staff/bert' },
  ]);
});

test('a relationship manager cannot give a case away to where it would be out of sight', async () => {
  const { name } = await open(running, { organisationPath: '/berka/prague/2', assignee: 'staff/mara' });
  const refused = await failure(assign(name, 'staff/anna', manager()));
  expect(refused.kind).toBe('denied');
  expect((await get(name)).assignee).toBe('staff/mara');
});

test('the note of the assignee begins the work and answers an enquiry; the note of others does not', async () => {
  const { name } = await open(running, { type: 'caseTypes/enquiry', assignee: 'staff/mara' });
  await note(name, agent());
  expect(await get(name)).toMatchObject({ state: CaseState.CASE_STATE_ASSIGNED, responseTime: undefined });
  const { entry } = await note(name, manager(), 'I called.');
  expect(entry).toMatchObject({ actor: 'staff/mara', change: { $case: 'note', value: { text: 'I called.' } } });
  const begun = await get(name);
  expect(begun).toMatchObject({ state: CaseState.CASE_STATE_IN_PROGRESS, responseTime: entry?.occurTime });
  await note(name, manager());
  expect((await get(name)).responseTime).toEqual(begun.responseTime);
});

test('a pause moves both due times by the business time that it took', async () => {
  // Monday 10:00 in Prague; due after 16 and 80 hours of business.
  const { name } = await open(running, { receiveTime: at('2016-05-02T08:00:00Z'), assignee: 'staff/anna' });
  const pause = (occurTime: Date) =>
    running.cases.pauseCase({ requestId: uuidv7(), name, etag: '', occurTime }, operator());
  const resume = (occurTime: Date) =>
    running.cases.resumeCase({ requestId: uuidv7(), name, etag: '', occurTime }, operator());
  await expectRefused(() => resume(at('2016-05-02T09:00:00Z')), 'CASE_NOT_PAUSED');
  const held = (await pause(at('2016-05-02T14:00:00Z'))).case as Case;
  expect(held).toMatchObject({ paused: true, breached: false, responseDueTime: at('2016-05-04T08:00:00Z') });
  await expectRefused(() => pause(at('2016-05-02T14:30:00Z')), 'CASE_PAUSED');
  // One hour on Monday, eight on Tuesday, one on Wednesday.
  const running_ = (await resume(at('2016-05-04T08:00:00Z'))).case as Case;
  expect(running_).toMatchObject({
    paused: false,
    responseDueTime: at('2016-05-05T10:00:00Z'),
    dueTime: at('2016-05-17T10:00:00Z'),
  });
  expect(await eventsOf(running, name)).toHaveLength(3);
});

test('a resolution ends a pause and is measured against the moved due time', async () => {
  const { name } = await open(running, {
    type: 'caseTypes/enquiry',
    receiveTime: at('2016-05-02T08:00:00Z'),
    assignee: 'staff/anna',
  });
  // Due on Thursday 10:00; paused for all of Wednesday and Thursday.
  await running.cases.pauseCase(
    { requestId: uuidv7(), name, etag: '', occurTime: at('2016-05-03T15:00:00Z') },
    operator(),
  );
  const done = (await resolve(name, at('2016-05-06T07:00:00Z'))).case as Case;
  expect(done).toMatchObject({ paused: false, breached: true, dueTime: at('2016-05-09T08:00:00Z') });
  expect(await lastEvent(name, CaseResolved)).toMatchObject({ resolvedInTime: true, responseInTime: false });
  await expectRefused(
    () => running.cases.pauseCase({ requestId: uuidv7(), name, etag: '', occurTime: undefined }, operator()),
    'CASE_CLOSED',
  );
});

test('nothing happens in the future or before the last change', async () => {
  const received = at('2016-05-02T08:00:00Z');
  const { name } = await open(running, { receiveTime: received, assignee: 'staff/anna' });
  await expectRefused(() => step(name, RECORDED, new Date(Date.now() + 60_000)), 'TIME_IN_FUTURE');
  await expectRefused(() => step(name, RECORDED, at('2016-05-02T07:59:59Z')), 'TIME_BEFORE_LAST_CHANGE');
  await step(name, RECORDED, received);
  await resolve(name, at('2016-05-03T08:00:00Z'));
  await expectRefused(() => step(name, RESPONDED, at('2016-05-02T12:00:00Z')), 'TIME_BEFORE_LAST_CHANGE');
  await expectRefused(() => reopen(name, at('2016-05-02T12:00:00Z')), 'TIME_BEFORE_LAST_CHANGE');
});

test('a stale etag is refused, the current one is not', async () => {
  const opened = await open(running, { assignee: 'staff/anna' });
  const { case: next } = await step(opened.name, RECORDED, undefined, opened.etag);
  expect(next?.etag).not.toBe(opened.etag);
  await expectRefused(() => resolve(opened.name, undefined, opened.etag), 'ETAG_MISMATCH');
  expect((await failure(resolve(opened.name, undefined, next?.etag))).kind).toBe('ok');
});

test('the survey is asked for once a case is resolved, once, and answered once', async () => {
  const { name } = await open(running, { type: 'caseTypes/enquiry', assignee: 'staff/anna' });
  const ask = () => running.cases.requestSurvey({ requestId: uuidv7(), name, occurTime: undefined }, operator());
  const answer = (score = 4) =>
    running.cases.answerSurvey(
      { requestId: uuidv7(), name, score, comment: 'Quick', occurTime: undefined },
      operator(),
    );
  await expectRefused(ask, 'CASE_NOT_RESOLVED');
  await expectRefused(answer, 'SURVEY_NOT_REQUESTED');
  await resolve(name);
  await ask();
  await expectRefused(ask, 'SURVEY_EXISTS');
  expect((await answer()).case?.survey).toMatchObject({ score: 4, comment: 'Quick' });
  await expectRefused(() => answer(1), 'SURVEY_ANSWERED');
  expect((await eventsOf(running, name)).at(-1)).toBe('SurveyAnswered');
  await reopen(name);
  await resolve(name);
  await expectRefused(ask, 'SURVEY_EXISTS');
  const payload = await running.db.system.one<{ payload: Buffer }>(sql`
    SELECT payload FROM kit.outbox WHERE subject = ${name} AND type LIKE '%SurveyAnswered'`);
  expect(payload.payload.toString('latin1')).not.toContain('Quick');
});

test('who brings the survey in is not who was judged by it', async () => {
  const { name } = await open(running, { type: 'caseTypes/enquiry', assignee: 'staff/mara' });
  const request = { requestId: uuidv7(), name, score: 5, comment: '', occurTime: undefined };
  for (const role of ['relationship_manager', 'branch_manager']) {
    const caller = as({ sub: 'staff/mara', roles: [role], orgPath: '/berka/prague/1' });
    expect((await failure(running.cases.answerSurvey(request, caller))).kind).toBe('denied');
  }
});
