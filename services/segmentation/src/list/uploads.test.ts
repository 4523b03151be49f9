import { everything, sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import { PartyErasureRequested } from '@rapport/proto/customer/v1';
import { ListRejectReason, ListUploadMode, ListUploadState } from '@rapport/proto/segmentation/v1';
import { rejection } from '../scheme/scheme.testkit.js';
import { openSuite, type Suite } from '../segmentation.testkit.js';
import { applyUploads, clearUploads } from './apply-uploads.js';
import { applied, begin, bring, row, sendFile, uploaded } from './list.testkit.js';
import { readUploadRows } from './upload-rows.js';

const {
  LIST_UPLOAD_MODE_REPLACE: REPLACE,
  LIST_UPLOAD_MODE_REMOVE: REMOVE,
  LIST_UPLOAD_MODE_ADD: ADD,
} = ListUploadMode;
const at = new Date('2026-03-15T12:00:00Z');
let suite: Suite;
let people: string[];
let jana: string;
let eva: string;
let petr: string;
let other: string;

beforeAll(async () => {
  suite = await openSuite(at);
  people = [];
  for (let made = 0; made < 3; made += 1) people.push(await suite.customer.person({}));
  people.sort();
  [jana, eva, petr] = people as [string, string, string];
  other = await suite.customer.person({ path: '/other' });
  suite.customer.keys.set('core:client/1', jana);
  suite.customer.keys.set('core:client/9', other);
  await suite.settled();
}, 60_000);
afterAll(() => suite.close());

const marketer = () => suite.lists(['marketer']);
const create = (listId: string) =>
  marketer().createStaticList({ listId, title: `The ${listId}`, organisationPath: '/demo', requestId: uuidv7() });
const on = async (listId: string, asOf?: { year: number; month: number; day: number }) => {
  const request = { parent: `staticLists/${listId}`, pageSize: 0, pageToken: '', ended: false, asOf };
  return (await marketer().listListEntries(request)).entries;
};
const partiesOn = async (listId: string) => (await on(listId)).map(({ party }) => party);
const get = async (name: string) => uploaded(await marketer().getListUpload({ name }));
const id = () => ({ requestId: uuidv7() });

test('a file goes onto a list by names and keys; what is not taken is kept with its reason', async () => {
  await create('vip');
  const name = await begin(marketer(), 'vip', ADD, 9);
  const first = [
    row('', 2, { source: 'core', sourceKey: 'client/1', note: ' met in Brno ' }),
    row(eva.toUpperCase().replace('PARTIES', 'parties'), 3, { until: '2026-12-31' }),
    row('core:client/1', 4),
    row('core:client/9', 5),
  ];
  const requestId = uuidv7();
  const one = await bring(marketer(), name, first, 0, requestId);
  expect(one).toMatchObject({ receivedRows: 4n, accepted: 2n, rejected: 2n });
  // The answer that was lost comes again; whoever goes on without it is told where.
  expect(await bring(marketer(), name, first, 0, requestId)).toEqual(one);
  const again = await rejection(bring(marketer(), name, first));
  expect(again).toMatchObject({ reason: 'UPLOAD_OUT_OF_STEP', metadata: { received_rows: '4' } });
  expect(await rejection(marketer().checkListUpload({ name, ...id() }))).toMatchObject({ reason: 'UPLOAD_INCOMPLETE' });
  const rest = [
    row('', 6),
    row('', 7, { account: 'CZ65 0800 0000 1920 0014 5399' }),
    row(petr, 8, { until: '31.12.2026' }),
    row('=cmd(), "x"', 9),
    row('a b c', 10, { unreadable: 'COLUMN_COUNT' }),
  ];
  await bring(marketer(), name, rest, 4);
  // Nothing is on the list before somebody says so.
  expect(await partiesOn('vip')).toEqual([]);
  const checked = uploaded(await marketer().checkListUpload({ name, ...id() }));
  expect(checked.state).toBe(ListUploadState.LIST_UPLOAD_STATE_CHECKED);
  expect(checked.difference).toEqual({ added: 2n, updated: 0n, unchanged: 0n, removed: 0n, absent: 0n });
  expect(await rejection(bring(marketer(), name, rest, 9))).toMatchObject({ reason: 'UPLOAD_STATE' });
  await marketer().applyListUpload({ name, ...id() });
  expect(await applied(marketer(), name)).toMatchObject({ version: 1, applied: { added: 2n }, approvedBy: '' });
  expect(await on('vip')).toMatchObject([
    { party: jana, note: 'met in Brno', version: 1 },
    { party: eva, note: '', untilDate: { year: 2026, month: 12, day: 31 } },
  ]);
  const { staticList } = await marketer().getStaticList({ name: 'staticLists/vip' });
  expect(staticList?.latestVersion).toBe(1);

  const { rejects } = await marketer().listListUploadRejects({ parent: name, pageSize: 4, pageToken: '' });
  const of = (line: number, field: string, value: string, reason: keyof typeof ListRejectReason) => ({
    line: BigInt(line),
    field,
    value,
    reason: ListRejectReason[reason],
  });
  expect(rejects).toEqual([
    of(4, 'party', 'core:client/1', 'LIST_REJECT_REASON_DUPLICATE'),
    of(5, 'party', 'core:client/9', 'LIST_REJECT_REASON_PARTY_UNKNOWN'),
    of(6, 'party', '', 'LIST_REJECT_REASON_REFERENCE_MISSING'),
    of(7, 'account', '…5399', 'LIST_REJECT_REASON_NOT_PERMITTED'),
  ]);
  let csv = '';
  for await (const { chunk } of marketer().exportListUploadRejects({ name })) csv += chunk.toString();
  expect(csv.split('\r\n')).toEqual([
    'file,line,field,reason,original_value',
    'people.csv,4,party,DUPLICATE,core:client/1',
    'people.csv,5,party,PARTY_UNKNOWN,core:client/9',
    'people.csv,6,party,REFERENCE_MISSING,',
    'people.csv,7,account,NOT_PERMITTED,…5399',
    'people.csv,8,until,DATE_INVALID,31.12.2026',
    `people.csv,9,party,NAME_INVALID,"'=cmd(), ""x"""`,
    'people.csv,10,,LINE_UNREADABLE,COLUMN_COUNT: a b c',
    '',
  ]);
});

test('a replacement makes the list the file, a removal takes off, and the days before stay as they were', async () => {
  await create('guests');
  await sendFile(suite, 'guests', [row(jana), row(eva, 2)]);
  at.setUTCDate(16);
  const name = await begin(marketer(), 'guests', REPLACE);
  await bring(marketer(), name, [row(eva), row(petr, 2)]);
  const { difference } = uploaded(await marketer().checkListUpload({ name, ...id() }));
  expect(difference).toEqual({ added: 1n, updated: 0n, unchanged: 1n, removed: 1n, absent: 0n });
  await marketer().applyListUpload({ name, ...id() });
  expect((await applied(marketer(), name)).applied).toEqual(difference);
  expect(await partiesOn('guests')).toEqual([eva, petr]);
  expect((await on('guests', { year: 2026, month: 3, day: 15 })).map(({ party }) => party)).toEqual([jana, eva]);
  const removed = await sendFile(suite, 'guests', [row(petr), row(jana, 2)], REMOVE);
  expect(removed).toMatchObject({
    version: 3,
    difference: { removed: 1n, absent: 1n },
    applied: { removed: 1n, absent: 1n },
  });
  expect(await partiesOn('guests')).toEqual([eva]);
  const { uploads } = await marketer().listListUploads({
    ...{ parent: 'staticLists/guests', pageSize: 0, pageToken: '', checksum: '' },
    state: ListUploadState.LIST_UPLOAD_STATE_APPLIED,
  });
  expect(uploads.map(({ version, mode }) => [version, mode])).toEqual([
    [3, REMOVE],
    [2, REPLACE],
    [1, ADD],
  ]);
});

test('what something in use asks for is changed by two people', async () => {
  await create('seen');
  await sendFile(suite, 'seen', [row(jana)]);
  const common = { segmentId: 'on-seen', title: 'x', organisationPath: '/demo', asOf: undefined };
  await suite.as(['marketer']).createSegment({ ...common, rule: 'list.has("seen")', ...id() });
  await suite.publish('segments/on-seen@1');
  const found = await marketer().getStaticList({ name: 'staticLists/seen' });
  expect(found).toMatchObject({ guarded: true, segments: ['segments/on-seen'], schemes: [] });
  const parent = 'staticLists/seen';
  const entries = [{ party: eva, untilDate: undefined, line: 0 }];
  expect(await rejection(marketer().addListEntries({ parent, entries, ...id() }))).toMatchObject({
    reason: 'LIST_GUARDED',
  });
  expect(await rejection(marketer().removeListEntries({ parent, parties: [jana], ...id() }))).toMatchObject({
    reason: 'LIST_GUARDED',
  });
  const retired = await rejection(marketer().retireStaticList({ name: parent, ...id() }));
  expect(retired).toMatchObject({ reason: 'LIST_IN_USE', metadata: { segments: 'segments/on-seen' } });

  const mighty = suite.lists(['marketer', 'marketing_approver'], '/demo', 'staff/both');
  const approver = suite.lists(['marketing_approver'], '/demo', 'staff/anna');
  const name = await begin(mighty, 'seen');
  await bring(mighty, name, [row(eva)]);
  await mighty.checkListUpload({ name, ...id() });
  const waits = uploaded(await mighty.applyListUpload({ name, ...id() }));
  expect(waits.state).toBe(ListUploadState.LIST_UPLOAD_STATE_WAITING);
  expect(await rejection(mighty.approveListUpload({ name, ...id() }))).toMatchObject({ reason: 'FOUR_EYES' });
  const late = await begin(marketer(), 'seen');
  await bring(marketer(), late, [row(petr)]);
  await marketer().checkListUpload({ name: late, ...id() });
  await marketer().applyListUpload({ name: late, ...id() });
  await approver.approveListUpload({ name, ...id() });
  expect(await applied(marketer(), name)).toMatchObject({ approvedBy: 'staff/anna', version: 2 });
  // What the other was compared with is no longer there.
  expect(await rejection(approver.approveListUpload({ name: late, ...id() }))).toMatchObject({
    reason: 'LIST_CHANGED',
  });
  await approver.checkListUpload({ name: late, ...id() });
  const back = uploaded(await approver.rejectListUpload({ name: late, reason: 'who is that?', ...id() }));
  expect(back).toMatchObject({ rejectedBy: 'staff/anna', rejectReason: 'who is that?', version: 0 });
  expect(await rejection(approver.approveListUpload({ name: late, ...id() }))).toMatchObject({
    reason: 'UPLOAD_STATE',
  });
  await suite.settled();
  const members = await suite.as(['analyst']).listMembers({ parent: 'segments/on-seen@1', pageSize: 0, pageToken: '' });
  expect(members.members.map(({ party }) => party)).toEqual([jana, eva]);
  // What came to nothing keeps nobody's rows.
  while (await clearUploads(suite.deps));
  expect(await suite.deps.db.system.rows(sql`SELECT FROM list_upload_row`)).toEqual([]);

  await suite.as(['marketer']).retireSegmentVersion({ name: 'segments/on-seen@1', ...id() });
  const open = await begin(marketer(), 'seen');
  expect((await marketer().retireStaticList({ name: parent, ...id() })).staticList?.retiredBy).toBe('tester');
  expect(await get(open)).toMatchObject({ state: ListUploadState.LIST_UPLOAD_STATE_CANCELLED });
  expect(await rejection(begin(marketer(), 'seen'))).toMatchObject({ reason: 'LIST_RETIRED' });
  expect((await suite.as(['marketer']).checkRule({ rule: 'list.has("seen")' })).problem).toBeDefined();
  const listed = async (retiredToo: boolean) =>
    (
      await marketer().listStaticLists({
        ...{ pageSize: 0, pageToken: '', organisationPath: '', query: 'THE SEEN', retired: retiredToo },
      })
    ).staticLists.map((list) => list.name);
  expect(await listed(false)).toEqual([]);
  expect(await listed(true)).toEqual([parent]);
}, 60_000);

test('a plan that asks for a list that there is not is refused, and a list that one in use asks for stays', async () => {
  await create('seed');
  const plan = (list: string) => ({
    kind: {
      $case: 'rules' as const,
      value: {
        groups: [{ group: { groupId: 'on', title: 'On', titleZh: '' }, rule: `list.has("${list}")` }],
        otherwise: { groupId: 'off', title: 'Off', titleZh: '' },
      },
    },
  });
  const schemes = suite.schemes(['marketer'], '/demo', 'staff/eve');
  const { problems } = await schemes.checkScheme({ plan: plan('sede'), organisationPath: '', asOf: undefined });
  expect(problems).toMatchObject([{ field: 'rules.groups[0].rule', reason: 'RULE_INVALID' }]);
  const scheme = { schemeId: 'split', title: 'Split', organisationPath: '/demo' };
  const refused = await rejection(schemes.createScheme({ ...scheme, plan: plan('sede'), ...id() }));
  expect(refused).toMatchObject({ reason: 'PLAN_INVALID' });
  await schemes.createScheme({ ...scheme, plan: plan('seed'), ...id() });
  const name = 'schemes/split@1';
  await suite.schemes(['marketing_approver'], '/demo', 'staff/adam').approveScheme({ name, ...id() });
  await schemes.publishScheme({ name, ...id() });
  // From the moment on in which it is asked to come into use.
  const kept = await rejection(marketer().retireStaticList({ name: 'staticLists/seed', ...id() }));
  expect(kept).toMatchObject({ reason: 'LIST_IN_USE' });
  expect(kept['metadata']).toMatchObject({ schemes: 'schemes/split' });
}, 60_000);

test('who may not; and nobody outside of the place of a list', async () => {
  await create('mine');
  const name = await begin(marketer(), 'mine');
  await bring(marketer(), name, [row(jana), row('x', 2)]);
  const asks = (client: ReturnType<typeof marketer>) => ({
    createListUpload: () => begin(client, 'mine'),
    addListUploadRows: () => bring(client, name, [row(eva, 3)], 2),
    checkListUpload: () => client.checkListUpload({ name, ...id() }),
    applyListUpload: () => client.applyListUpload({ name, ...id() }),
    approveListUpload: () => client.approveListUpload({ name, ...id() }),
    rejectListUpload: () => client.rejectListUpload({ name, reason: 'no', ...id() }),
    cancelListUpload: () => client.cancelListUpload({ name, ...id() }),
    getListUpload: () => client.getListUpload({ name }),
    listListUploads: () =>
      client.listListUploads({ parent: 'staticLists/mine', pageSize: 0, pageToken: '', state: 0, checksum: '' }),
    listListUploadRejects: () => client.listListUploadRejects({ parent: name, pageSize: 0, pageToken: '' }),
    exportListUploadRejects: async () => {
      for await (const _part of client.exportListUploadRejects({ name }));
    },
    retireStaticList: () => client.retireStaticList({ name: 'staticLists/mine', ...id() }),
  });
  type Asked = keyof ReturnType<typeof asks>;
  const mayNot: Record<string, readonly Asked[]> = {
    call_centre_agent: Object.keys(asks(marketer())) as Asked[],
    relationship_manager: Object.keys(asks(marketer())) as Asked[],
    marketer: ['approveListUpload', 'rejectListUpload'],
    analyst: ['approveListUpload', 'rejectListUpload'],
    marketing_approver: [
      'createListUpload',
      'addListUploadRows',
      'applyListUpload',
      'cancelListUpload',
      'retireStaticList',
    ],
    auditor: [
      'createListUpload',
      'checkListUpload',
      'approveListUpload',
      'listListUploadRejects',
      'exportListUploadRejects',
    ],
  };
  for (const [role, methods] of Object.entries(mayNot))
    for (const method of methods) {
      const { kind } = await rejection(asks(suite.lists([role]))[method]() as Promise<unknown>);
      expect([role, method, kind]).toEqual([role, method, 'denied']);
    }
  const elsewhere = suite.lists(['marketer', 'marketing_approver'], '/other');
  for (const [method, ask] of Object.entries(asks(elsewhere))) {
    const { reason } = await rejection(ask() as Promise<unknown>);
    const wanted = /CreateList|ListListUploads$|Retire/i.test(method) ? 'LIST_NOT_FOUND' : 'UPLOAD_NOT_FOUND';
    expect([method, reason]).toEqual([method, wanted]);
  }
});

test('who is erased leaves the uploads too; and what nobody goes on with is given up', async () => {
  await create('left');
  const gone = await suite.customer.person({});
  await suite.settled();
  const name = await begin(marketer(), 'left');
  await bring(marketer(), name, [row(gone), row(jana, 2)]);
  const request = { party: gone, dataSubjectRequest: `dataSubjectRequests/${uuidv7()}`, organisationPath: '/demo' };
  await suite.customer.send(PartyErasureRequested, PartyErasureRequested.fromPartial(request), gone.slice(8));
  const rows = () =>
    suite.deps.db.system.rows(sql`SELECT FROM list_upload_row WHERE party_id = ${gone.slice(8)}::uuid`);
  for (let tries = 0; (await rows()).length > 0 && tries < 200; tries += 1)
    await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await rows()).toEqual([]);
  expect(await bring(marketer(), name, [row(gone)], 2)).toMatchObject({ accepted: 2n, rejected: 1n });
  await suite.pause();
  await suite.deps.db.system.run(sql`
    UPDATE list_upload SET change_time = change_time - interval '8 days' WHERE list_id = 'left'`);
  await suite.deps.db.system.run(sql`UPDATE list_upload_reject SET create_time = create_time - interval '91 days'`);
  while (await clearUploads(suite.deps));
  expect(await get(name)).toMatchObject({ state: ListUploadState.LIST_UPLOAD_STATE_CANCELLED });
  expect(
    await suite.deps.db.system.rows(sql`SELECT FROM list_upload_row WHERE upload_id = ${name.slice(-36)}::uuid`),
  ).toEqual([]);
  expect(await suite.deps.db.system.rows(sql`SELECT FROM list_upload_reject`)).toEqual([]);
});

test('a large file is applied slice by slice, each once, whoever goes on with it', async () => {
  await create('large');
  await suite.pause();
  const many = 12_000;
  const fill = (name: string, from: number) =>
    suite.deps.db.transaction(everything, (tx) =>
      tx.run(sql`
        INSERT INTO list_upload_row (upload_id, party_id, organisation_path, placed)
        SELECT ${name.slice(-36)}::uuid, md5(g::text)::uuid, '/demo', 1
        FROM generate_series(${from}::int, ${from + many - 1}::int) g`),
    );
  const start = async (mode: ListUploadMode, from: number): Promise<string> => {
    const name = await begin(marketer(), 'large', mode);
    await fill(name, from);
    await marketer().checkListUpload({ name, ...id() });
    await marketer().applyListUpload({ name, ...id() });
    return name;
  };
  const first = await start(ADD, 1);
  expect(await applyUploads(suite.deps)).toBe(true);
  // Killed between two slices, it stands where it stood.
  expect(await get(first)).toMatchObject({
    state: ListUploadState.LIST_UPLOAD_STATE_APPLYING,
    applied: { added: 5000n },
  });
  // Two processes at once, as when a lease passes on.
  const work = async () => {
    while (await applyUploads(suite.deps));
  };
  await Promise.all([work(), work()]);
  expect(await get(first)).toMatchObject({ version: 1, applied: { added: 12_000n, unchanged: 0n } });
  const second = await start(REPLACE, 6001);
  await Promise.all([work(), work()]);
  const exact = { added: 6000n, updated: 0n, unchanged: 6000n, removed: 6000n, absent: 0n };
  expect(await get(second)).toMatchObject({ version: 2, difference: exact, applied: exact });
  expect(await marketer().getStaticList({ name: 'staticLists/large' })).toMatchObject({ entries: 12_000n });
  await suite.restart();
}, 60_000);

test('rows are told apart without asking who is known', () => {
  const uuid = '0190d8b4-3c5e-7c1a-9a54-0b1f6f0d2a11';
  const read = (over: object, mode = ADD) => readUploadRows([row('', 1, over)], mode, 20260316);
  const reference = (over: object) => read(over).lines[0]?.reference;
  expect(reference({ party: ` ${uuid} ` })).toEqual({ kind: 'party', id: uuid });
  expect(reference({ party: `parties/${uuid}` })).toEqual({ kind: 'party', id: uuid });
  expect(reference({ party: 'berka:client/1' })).toEqual({ kind: 'sourceKey', source: 'berka', key: 'client/1' });
  expect(reference({ sourceKey: 'client/1' })).toEqual({ kind: 'sourceKey', source: '', key: 'client/1' });
  expect(reference({ account: '77' })).toEqual({ kind: 'account', number: '77' });
  expect(reference({ identifier: '4711' })).toEqual({ kind: 'identifier', number: '4711' });
  for (const party of ['Jana', 'parties/x', ':x', 'berka:', `berka:${'x'.repeat(121)}`, 'https://a b'])
    expect([party, read({ party }).refused.length]).toEqual([party, party === 'https://a b' ? 0 : 1]);
  const past = { party: uuid, until: '2026-03-15' };
  expect(read(past).refused).toMatchObject([{ field: 'until', reason: ListRejectReason.LIST_REJECT_REASON_DATE_PAST }]);
  expect(read(past, REMOVE).refused).toEqual([]);
  expect(read({ party: uuid, until: '2026-02-30' }).refused).toHaveLength(1);
  expect(read({ party: uuid, note: 'x'.repeat(201) }).refused).toMatchObject([{ field: 'note' }]);
});
