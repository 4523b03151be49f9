// What holds for every change of a case, whichever it is.
import { uuidv7 } from '@rapport/kit/runtime';
import { sql } from '@rapport/kit/db';
import { type Case, ComplaintStep } from '@rapport/proto/cases/v1';
import {
  advance,
  agent,
  allRoles,
  as,
  counts,
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

const complaint = (over = {}) => open(running, { assignee: 'staff/anna', ...over });
const enquiry = (over = {}) => complaint({ type: 'caseTypes/enquiry', ...over });
const base = (name: string) => ({ requestId: uuidv7(), name, etag: '', occurTime: undefined });
const resolved = async (over = {}): Promise<Case> => {
  const { name } = await enquiry(over);
  const { case: after } = await running.cases.resolveCase({ ...base(name), resolution: 'Done' }, operator());
  return after as Case;
};
const paused = async (over = {}): Promise<Case> => {
  const { name } = await enquiry(over);
  return (await running.cases.pauseCase(base(name), operator())).case as Case;
};
const asked = async (over = {}): Promise<Case> => {
  const { name } = await resolved(over);
  return (await running.cases.requestSurvey(base(name), operator())).case as Case;
};
const answered = async (over = {}): Promise<Case> => {
  const { name } = await complaint(over);
  await advance(running, name, ComplaintStep.COMPLAINT_STEP_RECORDED, ComplaintStep.COMPLAINT_STEP_ANSWERED);
  return (await running.cases.resolveCase({ ...base(name), resolution: 'Done' }, operator())).case as Case;
};

interface ChangeCase {
  rpc:
    | 'assignCase'
    | 'addNote'
    | 'advanceComplaint'
    | 'pauseCase'
    | 'resumeCase'
    | 'resolveCase'
    | 'closeCase'
    | 'reopenCase'
    | 'requestSurvey'
    | 'answerSurvey';
  /** A case on which it may be done. */
  before: (over?: object) => Promise<Case>;
  more: Record<string, unknown>;
  bad: readonly (readonly [string, Record<string, unknown>])[];
  may: readonly string[];
}

const workers = ['relationship_manager', 'call_centre_agent', 'branch_manager', 'operator'];
const stale = ['etag', { etag: 'x'.repeat(65) }] as const;
const table: ChangeCase[] = [
  {
    rpc: 'assignCase',
    before: complaint,
    more: { assignee: 'staff/bert' },
    bad: [['assignee', { assignee: '' }], ['assignee', { assignee: 'bert' }], stale],
    may: workers,
  },
  {
    rpc: 'addNote',
    before: complaint,
    more: { text: 'Said so.' },
    bad: [
      ['text', { text: '' }],
      ['text', { text: 'x'.repeat(10_001) }],
    ],
    may: workers,
  },
  {
    rpc: 'advanceComplaint',
    before: complaint,
    more: { step: ComplaintStep.COMPLAINT_STEP_RECORDED },
    bad: [['step', { step: 0 }], ['step', { step: 6 }], stale],
    may: workers,
  },
  { rpc: 'pauseCase', before: complaint, more: {}, bad: [stale], may: workers },
  { rpc: 'resumeCase', before: paused, more: {}, bad: [stale], may: workers },
  {
    rpc: 'resolveCase',
    before: complaint,
    more: { resolution: 'Paid back.' },
    bad: [['resolution', { resolution: '' }], ['resolution', { resolution: 'x'.repeat(10_001) }], stale],
    may: workers,
  },
  { rpc: 'closeCase', before: answered, more: {}, bad: [stale], may: workers },
  {
    rpc: 'reopenCase',
    before: resolved,
    more: { reason: 'Not content' },
    bad: [['reason', { reason: '' }], ['reason', { reason: 'x'.repeat(1_001) }], stale],
    may: workers,
  },
  { rpc: 'requestSurvey', before: resolved, more: {}, bad: [], may: workers },
  {
    rpc: 'answerSurvey',
    before: asked,
    more: { score: 4, comment: 'Quick' },
    bad: [
      ['score', { score: 0 }],
      ['score', { score: 6 }],
      ['comment', { comment: 'x'.repeat(5_001) }],
    ],
    may: ['call_centre_agent', 'operator'],
  },
];

function call(one: ChangeCase, request: object, caller: { token: string }): Promise<unknown> {
  const method = running.cases[one.rpc] as (request: object, options: object) => Promise<unknown>;
  return method(request, caller);
}

describe.each(table)('$rpc', (one) => {
  test('the same request id answers the same and does nothing again; with other arguments it is refused', async () => {
    const { name } = await one.before();
    const request = { ...base(name), ...one.more };
    const first = await call(one, request, operator());
    const after = await counts(running);
    expect(await call(one, request, operator())).toEqual(first);
    expect(await failure(call(one, { ...request, occurTime: new Date(1_000_000) }, operator()))).toMatchObject({
      reason: 'REQUEST_ID_REUSED',
      kind: 'invalid',
    });
    expect(await counts(running)).toEqual(after);
  });

  test('leaves one audit record without texts', async () => {
    const { name } = await one.before();
    await call(one, { ...base(name), ...one.more }, operator());
    const records = await running.db.system.rows<{ detail: unknown; actor: string }>(sql`
      SELECT detail, actor FROM kit.audit
      WHERE resource = ${name} AND lower(action) LIKE ${`%/${one.rpc.toLowerCase()}`} ORDER BY at DESC LIMIT 1`);
    expect(records).toHaveLength(1);
    for (const text of ['Said so.', 'Paid back.', 'Not content', 'Quick']) {
      expect(JSON.stringify(records)).not.toContain(text);
    }
  });

  test('refuses missing, malformed and oversized input with the field, and changes nothing', async () => {
    const { name } = await one.before();
    const bad: (readonly [string, Record<string, unknown>])[] = [
      ['request_id', { requestId: '' }],
      ['request_id', { requestId: 'x' }],
      ['name', { name: '' }],
      ['name', { name: 'cases/1' }],
      ...one.bad,
    ];
    const before = await counts(running);
    for (const [field, over] of bad) {
      const refusal = await failure(call(one, { ...base(name), ...one.more, ...over }, operator()));
      expect(refusal).toMatchObject({ kind: 'invalid', fields: [field] });
    }
    expect(await counts(running)).toEqual(before);
  });

  test('is for those the bank has decided', async () => {
    for (const role of allRoles) {
      const { name } = await one.before();
      const before = await counts(running);
      const caller = as({ sub: 'staff/somebody', roles: [role], orgPath: '/berka/prague/1' });
      const { kind } = await failure(call(one, { ...base(name), ...one.more }, caller));
      expect([role, kind]).toEqual([role, one.may.includes(role) ? 'ok' : 'denied']);
      if (kind !== 'ok') expect(await counts(running)).toEqual(before);
    }
    const { name } = await one.before();
    expect((await failure(call(one, { ...base(name), ...one.more }, { token: '' }))).kind).toBe('unauthenticated');
  });

  test('does not find a case outside of what the caller covers', async () => {
    const { name } = await one.before({ organisationPath: '/berka/brno/7' });
    const before = await counts(running);
    for (const caller of [agent('/berka/prague'), agent('/demo'), ...(one.may === workers ? [manager()] : [])]) {
      expect(await failure(call(one, { ...base(name), ...one.more }, caller))).toMatchObject({
        reason: 'CASE_NOT_FOUND',
        kind: 'not_found',
      });
    }
    const nowhere = { ...base('cases/01890000-0000-7000-8000-000000000000'), ...one.more };
    expect((await failure(call(one, nowhere, operator()))).reason).toBe('CASE_NOT_FOUND');
    expect(await counts(running)).toEqual(before);
  });
});
