import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import {
  CreateSourceRequest,
  type Party,
  SourceKind,
  SurvivorshipCriterion as Criterion,
  UpdateSourceRequest,
} from '@rapport/proto/customer/v1';
import {
  all,
  allRoles,
  as,
  createParty,
  failure,
  importOf,
  operator,
  person,
  type Running,
  startCustomer,
} from '../customer.testkit.js';
import { get, merge, steward, unmerge, update } from './golden.testkit.js';

let running: Running;
beforeAll(async () => {
  running = await startCustomer();
});
afterAll(() => running.stop());

const named = (givenName: string, over: object = {}) =>
  person({ details: { $case: 'person', value: { givenName, familyName: 'Dvořák' } }, contactPoints: [], ...over });
const givenName = (party: Party | undefined) =>
  party?.details?.$case === 'person' ? party.details.value.givenName : undefined;
const records = async (parent: string, history = false, token = steward()) =>
  (await running.source.listSourceRecords({ parent, pageSize: 0, pageToken: '', history }, token)).sourceRecords;
const golden = async (name: string) => (await running.golden.getGoldenRecord({ name }, steward())).goldenRecord;
const setPriority = async (name: string, priority: number) => {
  const { sources } = await running.source.listSources({ pageSize: 0, pageToken: '' }, operator());
  const source = sources.find((one) => one.name === name);
  const request = { source: { name, etag: source?.etag, priority }, updateMask: ['priority'], requestId: uuidv7() };
  return running.source.updateSource(UpdateSourceRequest.fromPartial(request), operator());
};
const bring = async (source: string, sourceKey: string, party: Party) => {
  const rows = [{ line: 1n, row: { $case: 'party', value: { sourceKey, party: { ...party, name: '' } } } }];
  await running.customer.import(importOf({ source }, [rows]), operator());
  const filter = { pageSize: 0, pageToken: '', organisationPath: '', relationshipManager: '', kind: 0, region: '' };
  return (await running.customer.listParties({ ...filter, source, sourceKey }, operator())).parties[0] as Party;
};

describe('sources', () => {
  it('are registered once, changed by who read them, and by an import when nobody registered them', async () => {
    const source = {
      name: 'sources/web',
      kind: SourceKind.SOURCE_KIND_WEB,
      priority: 5,
      title: { en: 'Web', zh: '网站' },
    };
    const request = CreateSourceRequest.fromPartial({ source, requestId: uuidv7() });
    const { source: made } = await running.source.createSource(request, operator());
    expect(made).toMatchObject(source);
    expect(await running.source.createSource(request, operator())).toEqual({ source: made });
    const again = running.source.createSource({ ...request, requestId: uuidv7() }, operator());
    expect((await failure(again)).reason).toBe('SOURCE_EXISTS');
    expect((await setPriority('sources/web', 7)).source).toMatchObject({ priority: 7, title: source.title });
    const stale = { source: { ...source, etag: made?.etag }, updateMask: ['priority'], requestId: uuidv7() };
    const late = running.source.updateSource(UpdateSourceRequest.fromPartial(stale), operator());
    expect((await failure(late)).reason).toBe('ETAG_MISMATCH');
    await bring('stranger', '1', named('Cizí'));
    const { sources } = await running.source.listSources({ pageSize: 0, pageToken: '' }, operator());
    expect(sources.find(({ name }) => name === 'sources/stranger')).toMatchObject({ kind: 0, priority: 0 });
    running.deps.bank.unknownSources = 'refuse';
    const refused = bring('nobody', '1', named('Cizí'));
    expect((await failure(refused)).reason).toBe('SOURCE_UNKNOWN');
    const party = named('Cizí', { source: 'nobody', sourceKey: '2' });
    expect((await failure(createParty(running, party))).reason).toBe('SOURCE_UNKNOWN');
    running.deps.bank.unknownSources = 'register';
  });

  it('keep what they said as received, sealed, version by version', async () => {
    const raw = { point: { $case: 'phone' as const, value: '601 123 456' } };
    const party = await bring('core', 'k1', named('Josef', { contactPoints: [raw] }));
    expect(party.contactPoints[0]?.point?.value).toBe('+420601123456');
    const [first] = await records(party.name);
    expect(first).toMatchObject({ version: 1, latest: true, source: 'sources/core', sourceKey: 'k1' });
    expect(first?.party?.contactPoints[0]?.point?.value).toBe('601 123 456');
    for (let at = 0; at < 21; at++) await bring('core', 'k1', named(`Josef${at}`));
    const history = await records(party.name, true);
    expect(history.map(({ version }) => version)).toEqual(Array.from({ length: 20 }, (_one, at) => 22 - at));
    expect(history.filter(({ latest }) => latest)).toHaveLength(1);
    const name = first?.name ?? '';
    const { sourceRecord } = await running.source.getSourceRecord({ name, version: 20 }, steward());
    expect(givenName(sourceRecord?.party)).toBe('Josef18');
    const gone = running.source.getSourceRecord({ name, version: 1 }, steward());
    expect((await failure(gone)).reason).toBe('SOURCE_RECORD_NOT_FOUND');
    const rows = await all<{ row: string }>(running, sql`SELECT r::text AS row FROM source_record r`);
    expect(rows.some(({ row }) => /Josef|4a6f736566/i.test(row))).toBe(false);
  });

  it('are for who answers for the data, inside of what they may see', async () => {
    const party = await createParty(running, named('Uzavřený'));
    const [record] = await records(party.name);
    const may = ['data_steward', 'operator', 'auditor', 'branch_manager'];
    for (const role of allRoles) {
      const token = as({ sub: 'staff/x', roles: [role], orgPath: '/berka' });
      const kind = may.includes(role) ? 'ok' : 'denied';
      expect((await failure(records(party.name, false, token))).kind).toBe(kind);
      const get = running.source.getSourceRecord({ name: record?.name ?? '', version: 0 }, token);
      expect((await failure(get)).kind).toBe(kind);
      const source = { name: `sources/${role}`, kind: SourceKind.SOURCE_KIND_APP };
      const create = CreateSourceRequest.fromPartial({ source, requestId: uuidv7() });
      const mayCreate = ['operator', 'administrator'].includes(role);
      expect((await failure(running.source.createSource(create, token))).kind).toBe(mayCreate ? 'ok' : 'denied');
    }
    const brno = steward('/berka/brno');
    expect((await failure(records(party.name, false, brno))).kind).toBe('not_found');
    const hidden = running.source.getSourceRecord({ name: record?.name ?? '', version: 0 }, brno);
    expect((await failure(hidden)).kind).toBe('not_found');
  });
});

describe('a golden record', () => {
  it('shows the winning source of each field, follows priorities, and stewards over them', async () => {
    const core = await bring('core', 'g1', named('Jiří', { region: 'Prague' }));
    const app = await bring('app', 'g1', named('Jirka', { region: 'Brno' }));
    await setPriority('sources/core', 900);
    await setPriority('sources/app', 600);
    await merge(running, app.name, core.name);
    // Who somebody is goes by priority, where they live by what was heard last; the app is the survivor.
    expect(await get(running, core.name)).toMatchObject({ name: app.name, region: 'Brno' });
    expect(givenName(await get(running, app.name))).toBe('Jiří');
    const opened = await golden(core.name);
    const field = (path: string) => opened?.fields.find((one) => one.path === path);
    expect(field('person.given_name')).toMatchObject({
      source: 'sources/core',
      decidedBy: Criterion.SURVIVORSHIP_CRITERION_PRIORITY,
      rivals: [{ source: 'sources/app', value: 'Jirka' }],
    });
    expect(field('region')).toMatchObject({
      source: 'sources/app',
      decidedBy: Criterion.SURVIVORSHIP_CRITERION_RECENCY,
    });
    expect(field('person.family_name')?.decidedBy).toBe(Criterion.SURVIVORSHIP_CRITERION_UNCONTESTED);
    expect(opened?.sourceRecords.map(({ source }) => source).sort()).toEqual(['sources/app', 'sources/core']);
    const appRecord = opened?.sourceRecords.find(({ source }) => source === 'sources/app')?.name ?? '';
    const choice = { name: app.name, path: 'person.given_name', sourceRecord: appRecord, reason: 'asked him' };
    const choose = (over: object = {}) =>
      running.golden.setFieldChoice({ ...choice, requestId: uuidv7(), ...over }, steward());
    expect(givenName((await choose()).party)).toBe('Jirka');
    expect((await golden(app.name))?.choices).toMatchObject([{ ...choiceOf(choice), chosenBy: 'staff/stella' }]);
    expect((await failure(choose({ path: 'person.birth_date' }))).reason).toBe('FIELD_NOT_STATED');
    const elsewhere = `${app.name}/sourceRecords/${uuidv7()}`;
    expect((await failure(choose({ sourceRecord: elsewhere }))).reason).toBe('SOURCE_RECORD_NOT_FOUND');
    // The choice holds against what comes later, and against staff, until it is cleared.
    await bring('core', 'g1', named('Jiří Václav', { region: 'Prague' }));
    expect(givenName(await get(running, app.name))).toBe('Jirka');
    const details = { $case: 'person' as const, value: { givenName: 'Jura', familyName: 'Dvořák' } };
    const edit = update(running, app.name, { details }, ['person.given_name']);
    expect((await failure(edit)).reason).toBe('FIELD_DECIDED');
    const clear = { name: core.name, path: 'person.given_name', requestId: uuidv7() };
    expect(givenName((await running.golden.clearFieldChoice(clear, steward())).party)).toBe('Jiří Václav');
    await unmerge(running, core.name);
    expect(givenName(await get(running, app.name))).toBe('Jirka');
  });

  it('keeps what staff entered until a source says something else of that field', async () => {
    const party = await bring('core', 's1', named('Ivan', { region: 'Prague' }));
    await update(running, party.name, { region: 'Plzeň' }, ['region']);
    await bring('core', 's1', named('Ivan', { region: 'Prague', district: 'new' }));
    expect(await get(running, party.name)).toMatchObject({ region: 'Plzeň', district: 'new' });
    await bring('core', 's1', named('Ivan', { region: 'Brno', district: 'new' }));
    expect(await get(running, party.name)).toMatchObject({ region: 'Brno' });
    expect((await records(party.name)).map(({ source }) => source).sort()).toEqual(['sources/core', 'sources/rapport']);
  });

  it('follows the rule of the nearest part of the bank', async () => {
    const rule = (organisationPath: string, criteria: Criterion[], token = steward()) =>
      running.golden.setSurvivorshipRule({ organisationPath, path: 'region', criteria, requestId: uuidv7() }, token);
    const list = async (organisationPath: string) =>
      (await running.golden.listSurvivorshipRules({ organisationPath }, steward())).rules.find(
        ({ path }) => path === 'region',
      );
    expect(await list('/berka/rules')).toMatchObject({ organisationPath: '' });
    await rule('/berka/rules', [Criterion.SURVIVORSHIP_CRITERION_PRIORITY]);
    expect(await list('/berka/rules/1')).toMatchObject({
      organisationPath: '/berka/rules',
      criteria: [Criterion.SURVIVORSHIP_CRITERION_PRIORITY],
    });
    const place = { organisationPath: '/berka/rules/1' };
    const core = await bring('core', 'r1', named('Leoš', { region: 'core', ...place }));
    const app = await bring('app', 'r1', named('Leoš', { region: 'app', ...place }));
    expect((await merge(running, core.name, app.name)).party?.region).toBe('core');
    expect((await failure(rule('/demo', []))).kind).toBe('denied');
    await rule('/berka/rules', []);
    expect(await list('/berka/rules/1')).toMatchObject({ organisationPath: '' });
  });

  it('is decided by stewards and opened by who answers for the customer', async () => {
    const party = await createParty(running, named('Chráněný'));
    const sourceRecord = (await records(party.name))[0]?.name ?? '';
    for (const role of allRoles) {
      const token = as({ sub: 'staff/x', roles: [role], orgPath: '/berka' });
      const may = ['data_steward', 'operator', 'auditor', 'branch_manager'].includes(role);
      const kind = may ? 'ok' : role === 'relationship_manager' ? 'not_found' : 'denied';
      const { name } = party;
      expect((await failure(running.golden.getGoldenRecord({ name }, token))).kind).toBe(kind);
      const merges = { parent: name, pageSize: 0, pageToken: '' };
      expect((await failure(running.golden.listMerges(merges, token))).kind).toBe(kind);
      const choice = { name, path: 'region', sourceRecord, reason: 'x', requestId: uuidv7() };
      const decides = role === 'data_steward' ? 'ok' : 'denied';
      expect((await failure(running.golden.setFieldChoice(choice, token))).kind).toBe(decides);
      const clear = { name, path: 'region', requestId: uuidv7() };
      expect((await failure(running.golden.clearFieldChoice(clear, token))).kind).toBe(decides);
      const undo = { name, etag: '"1"', reason: 'x', requestId: uuidv7() };
      const unmerged = await failure(running.golden.unmergeParties(undo, token));
      expect(unmerged.kind === 'denied').toBe(role !== 'data_steward');
    }
  });
});

function choiceOf({ path, sourceRecord, reason }: { path: string; sourceRecord: string; reason: string }) {
  return { path, sourceRecord, reason };
}
