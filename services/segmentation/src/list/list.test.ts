import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import { PartyErasureRequested, PartyMerged, PartyUpdated, Sex } from '@rapport/proto/customer/v1';
import { type ListEntryInput, ListRejectReason, ListUploadMode } from '@rapport/proto/segmentation/v1';
import { evaluateDue } from '../membership/follow-calendar.js';
import { personalData } from '../privacy/personal-data.js';
import { rejection, segmentsOf } from '../scheme/scheme.testkit.js';
import { openSuite, type Suite } from '../segmentation.testkit.js';
import { readLines } from './list.js';
import { row, sendFile } from './list.testkit.js';
import { sendEntries } from './send.js';

/** What the service's clock shows; tests move it on. */
const at = new Date('2026-03-15T12:00:00Z');
const tomorrow = { year: 2026, month: 3, day: 16 };
let suite: Suite;
let jana: string;
let eva: string;
let south: string;
let other: string;
let restricted: string;

beforeAll(async () => {
  suite = await openSuite(at);
  jana = await suite.customer.person({});
  eva = await suite.customer.person({});
  south = await suite.customer.person({ path: '/demo/south', manager: 'staff/tom' });
  other = await suite.customer.person({ path: '/other' });
  restricted = await suite.customer.person({});
  await suite.customer.send(
    PartyUpdated,
    PartyUpdated.fromPartial({ party: restricted, organisationPath: '/demo', state: 2, sex: Sex.SEX_MALE }),
    restricted.slice(8),
  );
  await suite.settled();
}, 60_000);
afterAll(() => suite.close());

const line = (party: string, untilDate?: ListEntryInput['untilDate'], number = 0): ListEntryInput => ({
  party,
  untilDate,
  line: number,
});
const add = (listId: string, entries: ListEntryInput[], client = suite.lists(['marketer']), requestId = uuidv7()) =>
  client.addListEntries({ parent: `staticLists/${listId}`, entries, requestId });
const remove = (listId: string, parties: string[], client = suite.lists(['marketer'])) =>
  client.removeListEntries({ parent: `staticLists/${listId}`, parties, requestId: uuidv7() });
const create = (listId: string, organisationPath = '/demo', client = suite.lists(['marketer'])) =>
  client.createStaticList({ listId, title: listId, organisationPath, requestId: uuidv7() });
const entriesOf = async (listId: string, client = suite.lists(['marketer']), ended = false) =>
  (await client.listListEntries({ parent: `staticLists/${listId}`, pageSize: 0, pageToken: '', ended })).entries;
const partiesOf = async (listId: string, client = suite.lists(['marketer'])) =>
  (await entriesOf(listId, client)).map(({ party }) => party);

/** A segment of those on the list, in use; gives its version. */
async function segmentOf(listId: string): Promise<string> {
  const marketer = suite.as(['marketer']);
  const common = { organisationPath: '/demo', rule: `list.has("${listId}")`, asOf: undefined, title: listId };
  await marketer.createSegment({ ...common, segmentId: `on-${listId}`, requestId: uuidv7() });
  await suite.publish(`segments/on-${listId}@1`);
  return `segments/on-${listId}@1`;
}

test('an upload takes who is known and says why it does not take the others; again it changes nothing', async () => {
  const { staticList } = await create('vip');
  expect(staticList).toMatchObject({ name: 'staticLists/vip', organisationPath: '/demo', createdBy: 'tester' });
  expect((await rejection(create('vip')))['reason']).toBe('LIST_EXISTS');
  const unknown = `parties/${uuidv7()}`;
  const entries = [
    line(jana, undefined, 2),
    line(eva, tomorrow, 3),
    line('Jana Nováková', undefined, 4),
    line(unknown, undefined, 5),
    line(other, undefined, 6),
    line(restricted, undefined, 7),
    line(south, { year: 2026, month: 2, day: 30 }, 8),
    line(south, { year: 2026, month: 3, day: 14 }, 9),
    line(jana, tomorrow),
  ];
  const requestId = uuidv7();
  const answer = await add('vip', entries, undefined, requestId);
  expect(answer).toMatchObject({ added: 2, updated: 0, unchanged: 0 });
  const reject = (at: number, value: string, reason: keyof typeof ListRejectReason) => ({
    line: at,
    value,
    reason: ListRejectReason[reason],
  });
  expect(answer.rejects).toEqual([
    reject(4, 'Jana Nováková', 'LIST_REJECT_REASON_NAME_INVALID'),
    reject(5, unknown, 'LIST_REJECT_REASON_PARTY_UNKNOWN'),
    reject(6, other, 'LIST_REJECT_REASON_PARTY_UNKNOWN'),
    reject(7, restricted, 'LIST_REJECT_REASON_PARTY_UNKNOWN'),
    reject(8, south, 'LIST_REJECT_REASON_DATE_INVALID'),
    reject(9, south, 'LIST_REJECT_REASON_DATE_PAST'),
    reject(9, jana, 'LIST_REJECT_REASON_DUPLICATE'),
  ]);
  expect(await add('vip', entries, undefined, requestId)).toEqual(answer);
  // What is kept of the call for its repetition names nobody.
  const kept = await suite.deps.db.system.rows<{ answer: Buffer }>(sql`SELECT answer FROM kit.idempotency`);
  for (const { answer: bytes } of kept) expect(bytes?.toString('latin1') ?? '').not.toContain(unknown);

  const changes = () =>
    suite.deps.db.system.rows(sql`SELECT party_id, change FROM list_entry WHERE list_id = 'vip' ORDER BY 1`);
  const before = await changes();
  expect(await add('vip', entries.slice(0, 2))).toMatchObject({ added: 0, updated: 0, unchanged: 2, rejects: [] });
  expect(await changes()).toEqual(before);
  expect(await add('vip', [line(eva)])).toMatchObject({ added: 0, updated: 1, unchanged: 0 });
  await suite.settled();
  const found = await suite.lists(['analyst']).getStaticList({ name: 'staticLists/vip' });
  expect(found).toMatchObject({ entries: 2n, pending: 0n });
});

test('a segment of those on a list follows who is added, removed, and whose last day is over', async () => {
  await create('guests');
  const segment = await segmentOf('guests');
  const members = async () => {
    await suite.settled();
    const { members: found } = await suite
      .as(['operator'], '/')
      .listMembers({ parent: segment, pageSize: 0, pageToken: '' });
    return found.map(({ party }) => party);
  };
  const takeOff = (parties: string[]) =>
    sendFile(
      suite,
      'guests',
      parties.map((party, index) => row(party, index + 1)),
      ListUploadMode.LIST_UPLOAD_MODE_REMOVE,
    );
  expect(await members()).toEqual([]);
  await sendFile(suite, 'guests', [row(jana), row(eva, 2, { until: '2026-03-15' })]);
  expect(await members()).toEqual([jana, eva].sort());
  expect((await takeOff([jana, south])).applied).toMatchObject({ removed: 1n, absent: 1n });
  expect(await members()).toEqual([eva]);
  expect((await takeOff([jana])).applied).toMatchObject({ removed: 0n, absent: 1n });
  await sendFile(suite, 'guests', [row(jana)]);
  expect(await members()).toEqual([jana, eva].sort());

  at.setUTCDate(16);
  await evaluateDue(suite.deps);
  expect(await members()).toEqual([jana]);
  expect(await partiesOf('guests')).toEqual([jana]);
  // Yesterday stays as it was: whoever is removed today was on the list until yesterday.
  await takeOff([jana]);
  expect(await members()).toEqual([]);
  expect(await entriesOf('guests', undefined, true)).toMatchObject(
    [jana, eva].sort().map((party) => ({
      party,
      fromDate: { year: 2026, month: 3, day: 15 },
      untilDate: { year: 2026, month: 3, day: 15 },
    })),
  );
  const asked = { rule: 'list.has("guests")', organisationPath: '/demo', sampleSize: 10 };
  const then = await suite.as(['analyst']).previewSegment({ ...asked, asOf: { year: 2026, month: 3, day: 15 } });
  expect(then.sample.sort()).toEqual([jana, eva].sort());
  expect((await sendFile(suite, 'guests', [row(jana)])).applied).toMatchObject({ added: 1n });
  expect(await members()).toEqual([jana]);
}, 60_000);

test('a rule that asks for a list that there is not is refused', async () => {
  const { problem } = await suite.as(['marketer']).checkRule({ rule: 'list.has("vpi")' });
  expect(problem).toMatchObject({ reason: 'ARGUMENT_INVALID' });
  expect((await suite.as(['marketer']).checkRule({ rule: 'list.has("vip")' })).problem).toBeUndefined();
});

test('entries come page by page, each party once, inside the reach of who asks', async () => {
  await create('everybody', '/', suite.lists(['marketer'], '/'));
  const head = suite.lists(['marketer'], '/');
  await add(
    'everybody',
    [jana, eva, south, other].map((party) => line(party)),
    head,
  );
  const pages: string[] = [];
  for (let pageToken = ''; ; ) {
    const page = await head.listListEntries({ parent: 'staticLists/everybody', pageSize: 1, pageToken, ended: false });
    pages.push(...page.entries.map(({ party }) => party));
    pageToken = page.nextPageToken;
    if (pageToken === '') break;
  }
  expect(pages).toEqual([jana, eva, south, other].sort());
  // The list belongs to the whole bank, which is out of the reach of /demo.
  expect((await rejection(partiesOf('everybody')))['reason']).toBe('LIST_NOT_FOUND');

  await create('southern', '/demo/south');
  const branch = suite.lists(['marketer'], '/demo/south');
  // The list takes only parties under its own place, the caller only those in reach.
  expect(await add('southern', [line(jana), line(south)])).toMatchObject({ added: 1, rejects: [{ line: 1 }] });
  expect(await partiesOf('southern', branch)).toEqual([south]);
  expect((await rejection(create('elsewhere', '/demo', branch)))['reason']).toBe('ORGANISATION_PATH_OUTSIDE');
  const seen = await branch.listStaticLists({
    pageSize: 0,
    pageToken: '',
    organisationPath: '',
    query: '',
    retired: false,
  });
  expect(seen.staticLists.map(({ name }) => name)).toEqual(['staticLists/southern']);
  const under = await head.listStaticLists({
    pageSize: 0,
    pageToken: '',
    organisationPath: '/demo',
    query: '',
    retired: false,
  });
  expect(under.staticLists.map(({ name }) => name)).not.toContain('staticLists/everybody');

  // An entry goes where its party goes.
  await suite.customer.send(
    PartyUpdated,
    PartyUpdated.fromPartial({ party: south, organisationPath: '/other', sex: Sex.SEX_FEMALE }),
    south.slice(8),
  );
  await suite.settled();
  expect(await partiesOf('southern', branch)).toEqual([]);
  expect(await branch.getStaticList({ name: 'staticLists/southern' })).toMatchObject({ entries: 0n });
});

test('who may not', async () => {
  const denied = async (answer: Promise<unknown>) => expect((await rejection(answer))['kind']).toBe('denied');
  for (const role of ['relationship_manager', 'call_centre_agent', 'auditor', 'branch_manager']) {
    const client = suite.lists([role]);
    await denied(create('mine', '/demo', client));
    await denied(add('vip', [line(jana)], client));
    await denied(remove('vip', [jana], client));
  }
  for (const role of ['relationship_manager', 'call_centre_agent', 'auditor', 'marketing_approver'])
    await denied(partiesOf('vip', suite.lists([role])));
  await denied(suite.lists(['call_centre_agent']).getStaticList({ name: 'staticLists/vip' }));
  await denied(
    suite
      .lists(['call_centre_agent'])
      .listStaticLists({ pageSize: 0, pageToken: '', organisationPath: '', query: '', retired: false }),
  );
});

test('merged parties are one customer on a list; an erased one leaves nothing there', async () => {
  const [golden, second] = [await suite.customer.person({}), await suite.customer.person({})];
  await suite.settled();
  await create('merged');
  await segmentOf('merged');
  await sendFile(suite, 'merged', [row(second)]);
  const mergeTime = new Date('2026-03-16T10:00:00Z');
  await suite.customer.send(
    PartyMerged,
    PartyMerged.fromPartial({ survivor: golden, merged: [second], organisationPath: '/demo', mergeTime }),
    golden,
  );
  await suite.settled();
  expect(await segmentsOf(suite, golden)).toEqual(['segments/on-merged@1']);
  const off = await sendFile(suite, 'merged', [row(golden)], ListUploadMode.LIST_UPLOAD_MODE_REMOVE);
  expect(off.applied).toMatchObject({ removed: 1n, absent: 0n });
  await suite.settled();
  expect(await segmentsOf(suite, golden)).toEqual([]);

  await sendFile(suite, 'merged', [row(eva)]);
  await suite.settled();
  const id = eva.slice(8);
  await suite.customer.send(
    PartyErasureRequested,
    PartyErasureRequested.fromPartial({
      party: eva,
      dataSubjectRequest: `dataSubjectRequests/${uuidv7()}`,
      organisationPath: '/demo',
    }),
    id,
  );
  const left = async () => {
    const found: string[] = [];
    for await (const { collection } of personalData(suite.deps)([id])) found.push(collection);
    return found.filter((collection) => /list/.test(collection));
  };
  expect(await left()).toContain('list_entry');
  for (let tries = 0; (await left()).length > 0 && tries < 500; tries += 1)
    await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await left()).toEqual([]);
  expect(await sendFile(suite, 'merged', [row(eva)])).toMatchObject({ accepted: 0n, rejected: 1n });
}, 60_000);

test('what was sent and not noted as sent is sent again, and is the same fact', async () => {
  await create('again');
  await suite.pause();
  await add('again', [line(jana), line(south)], suite.lists(['marketer'], '/demo'));
  expect(await suite.lists(['analyst']).getStaticList({ name: 'staticLists/again' })).toMatchObject({ pending: 1n });
  const facts = () =>
    suite.deps.analytics.query(`SELECT toString(party) AS id, from_date, until_date FROM listed FINAL
      WHERE list = 'again' ORDER BY party`);
  expect(await facts()).toEqual([]);
  expect(await sendEntries(suite.deps)).toBe(1);
  const sent = await facts();
  expect(sent).toEqual([{ id: jana.slice(8), from_date: 20260316, until_date: 0 }]);
  // As if it had been killed between the two.
  await suite.deps.db.system.run(sql`UPDATE list_entry SET sent = false WHERE list_id = 'again'`);
  expect(await sendEntries(suite.deps)).toBe(1);
  expect(await facts()).toEqual(sent);
  expect(await sendEntries(suite.deps)).toBe(0);
  // As if the party had moved between the look and the commit of whoever entered it.
  await suite.deps.db.system.run(sql`
    UPDATE list_entry SET sent = false, organisation_path = '/gone', placed = placed - 1 WHERE list_id = 'again'`);
  expect(await sendEntries(suite.deps)).toBe(1);
  expect(await partiesOf('again')).toEqual([jana]);
  await suite.restart();
});

test('lines that cannot be taken are told apart without asking who is known', () => {
  const id = 'parties/0190d8b4-3c5e-7c1a-9a54-0b1f6f0d2a11';
  const { lines, refused } = readLines([line(id.toUpperCase()), line(id, tomorrow), line(id)], 20260316);
  expect(lines).toEqual([{ index: 1, party: id.slice(8), until: 20260316 }]);
  expect(refused.map(({ index }) => index)).toEqual([0, 2]);
});
