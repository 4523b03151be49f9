import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import {
  IdentifierKind,
  Interaction,
  ListTimelineRequest,
  MergeDecision,
  Party,
  PartyMerged,
  PartyState,
  PartyUnmerged,
  Transaction,
} from '@rapport/proto/customer/v1';
import { Channel } from '@rapport/proto/type/v1';
import {
  all,
  allRoles,
  as,
  createHolding,
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

const nationalId = (value: string) => [{ kind: IdentifierKind.IDENTIFIER_KIND_NATIONAL_ID, value, countryCode: 'XX' }];
const email = (value: string) => ({ point: { $case: 'email' as const, value } });
const emails = (party: Party | undefined) => party?.contactPoints.map(({ point }) => point?.value);
const named = (givenName: string, familyName: string, over: object = {}) =>
  person({ details: { $case: 'person', value: { givenName, familyName } }, contactPoints: [], ...over });
const call = (parent: string) =>
  running.customer.recordInteraction(
    {
      parent,
      interaction: Interaction.fromPartial({
        channel: Channel.CHANNEL_PHONE,
        direction: 1,
        kind: 'call',
        time: new Date(Date.now() - 1_000),
      }),
      requestId: uuidv7(),
    },
    operator(),
  );
const timeline = async (name: string) =>
  (await running.customer.listTimeline(ListTimelineRequest.fromPartial({ parent: name }), operator())).entries.map(
    ({ entry }) => (entry?.value as { name?: string } | undefined)?.name,
  );
const events = async <T>(type: string, codec: { decode(bytes: Uint8Array): T }): Promise<T[]> =>
  (
    await all<{ payload: Buffer }>(
      running,
      sql`SELECT payload FROM kit.outbox WHERE type = ${`rapport.customer.v1.${type}`} ORDER BY id`,
    )
  ).map(({ payload }) => codec.decode(payload));

describe('MergeParties and UnmergeParties', () => {
  it('make two records one and two again, with all that came in meanwhile', async () => {
    const core = await createParty(
      running,
      named('Anna', 'Malá', { source: 'core', sourceKey: 'm1', contactPoints: [email('anna@core.example')] }),
    );
    const app = await createParty(
      running,
      named('Anička', 'Malá', {
        source: 'app',
        sourceKey: 'm1',
        organisationPath: '/berka/brno/1',
        contactPoints: [email('anna@app.example')],
        language: 'cs',
      }),
    );
    const account = await createHolding(running, app.name);
    await call(app.name);
    const before = { core: await get(running, core.name), app: await get(running, app.name) };
    const { party, merge: done } = await merge(running, core.name, app.name);
    expect(party).toMatchObject({ name: core.name, aliases: [app.name], language: 'cs' });
    expect(emails(party)?.sort()).toEqual(['anna@app.example', 'anna@core.example']);
    expect(done).toMatchObject({
      survivor: core.name,
      merged: app.name,
      moved: [app.name],
      reason: 'one person',
      mergedBy: 'staff/stella',
      decision: MergeDecision.MERGE_DECISION_STEWARD,
    });
    // What comes in later stays with the account that it came for, or with the golden record that staff wrote to.
    const transaction = Transaction.fromPartial({
      direction: 1,
      operation: 1,
      amount: { minorUnits: 100n, currencyCode: 'CZK' },
      bookingDate: { year: 2024, month: 1, day: 1 },
    });
    await running.customer.bookTransaction({ parent: account.name, transaction, requestId: uuidv7() }, operator());
    await call(app.name);
    expect(await timeline(core.name)).toHaveLength(3);
    expect(await timeline(app.name)).toEqual(await timeline(core.name));
    // A branch that looked after the merged party no longer sees it; the survivor's sees all.
    const brno = as({ sub: 'staff/b', roles: ['branch_manager'], orgPath: '/berka/brno' });
    const prague = as({ sub: 'staff/p', roles: ['branch_manager'], orgPath: '/berka/prague' });
    for (const read of [
      (token: { token: string }) => running.customer.getParty({ name: app.name }, token),
      (token: { token: string }) => running.customer.getHolding({ name: account.name }, token),
    ]) {
      expect((await failure(read(brno))).kind).toBe('not_found');
      expect((await failure(read(prague))).kind).toBe('ok');
    }
    const undone = await unmerge(running, app.name);
    expect(undone.merge).toMatchObject({ unmergeReason: 'two people', unmergedBy: 'staff/stella' });
    const same = ({ etag: _etag, updateTime: _time, ...rest }: Party) => rest;
    expect(same(await get(running, core.name))).toEqual(same(before.core));
    expect(same(await get(running, app.name))).toEqual(same(before.app));
    expect(same(undone.party as Party)).toEqual(same(before.app));
    expect(same(undone.survivor as Party)).toEqual(same(before.core));
    expect(await timeline(core.name)).toHaveLength(1);
    expect(await timeline(app.name)).toHaveLength(2);
    expect((await failure(running.customer.getHolding({ name: account.name }, brno))).kind).toBe('ok');
    expect((await failure(running.customer.getHolding({ name: account.name }, prague))).kind).toBe('not_found');
    const [merged] = await events('PartyMerged', PartyMerged);
    expect(merged).toMatchObject({ survivor: core.name, merged: [app.name], organisationPath: '/berka/prague/1' });
    expect(merged).toMatchObject({ mergedOrganisationPath: '/berka/brno/1' });
    const [unmerged] = await events('PartyUnmerged', PartyUnmerged);
    expect(unmerged).toMatchObject({ party: app.name, restored: [app.name], survivor: core.name });
    expect(unmerged).toMatchObject({ organisationPath: '/berka/brno/1' });
    expect((unmerged?.unmergeTime as Date) > (merged?.mergeTime as Date)).toBe(true);
    for (const parent of [core.name, app.name]) {
      const { merges } = await running.golden.listMerges({ parent, pageSize: 0, pageToken: '' }, steward());
      expect(merges).toMatchObject([{ merged: app.name, unmergedBy: 'staff/stella' }]);
    }
  });

  it('follow chains: what was merged before goes along, and comes back along', async () => {
    const [a, b, c] = [
      await createParty(running, named('Eva', 'Jedna')),
      await createParty(running, named('Eva', 'Dvě')),
      await createParty(running, named('Eva', 'Tři')),
    ];
    await merge(running, b.name, a.name);
    await merge(running, c.name, a.name);
    for (const one of [a, b, c]) expect((await get(running, one.name)).name).toBe(c.name);
    expect((await get(running, c.name)).aliases.sort()).toEqual([a.name, b.name].sort());
    await unmerge(running, b.name);
    expect(await get(running, a.name)).toMatchObject({ name: b.name, aliases: [a.name] });
    expect(await get(running, c.name)).toMatchObject({ name: c.name, aliases: [] });
    expect(await failure(unmerge(running, b.name))).toMatchObject({ reason: 'NOT_MERGED' });
  });

  it('take an import of a merged party into the golden record, and give it back to its own', async () => {
    const row = (key: string, party: Party) => [
      { line: 1n, row: { $case: 'party', value: { sourceKey: key, party: { ...party, name: '' } } } },
    ];
    const importAs = async (source: string, key: string, party: Party) => {
      const answer = await running.customer.import(importOf({ source }, [row(key, party)]), operator());
      return answer.import?.counts;
    };
    const list = async (source: string, sourceKey: string) => {
      const filter = { pageSize: 0, pageToken: '', organisationPath: '', relationshipManager: '', kind: 0, region: '' };
      return (await running.customer.listParties({ ...filter, source, sourceKey }, operator())).parties[0] as Party;
    };
    await importAs('core', 'i1', named('Karel', 'Starý'));
    await importAs('app', 'i1', named('Karel', 'Starý', { region: 'Prague' }));
    const [core, app] = [await list('core', 'i1'), await list('app', 'i1')];
    await merge(running, core.name, app.name);
    expect(await list('app', 'i1')).toMatchObject({ name: core.name });
    const moved = named('Karel', 'Starý', {
      region: 'Moravia',
      organisationPath: '/berka/brno/2',
      contactPoints: [email('karel@app.example')],
    });
    expect(await importAs('app', 'i1', moved)).toMatchObject([{ updated: 1n }]);
    expect(await importAs('app', 'i1', moved)).toMatchObject([{ unchanged: 1n }]);
    const golden = await get(running, core.name);
    // The region that was heard last; the place stays that of the survivor.
    expect(golden).toMatchObject({ region: 'Moravia', organisationPath: '/berka/prague/1' });
    expect(emails(golden)).toEqual(['karel@app.example']);
    await unmerge(running, app.name);
    expect(await get(running, app.name)).toMatchObject({ region: 'Moravia', organisationPath: '/berka/brno/2' });
    expect(await get(running, core.name)).toMatchObject({ region: 'Prague', contactPoints: [] });
  });

  it('find the golden record by every name and address that one of its records states', async () => {
    const old = await createParty(
      running,
      named('Zdena', 'Brzobohatá', { contactPoints: [email('zdena@old.example')] }),
    );
    const married = await createParty(running, named('Zdena', 'Krejčová'));
    const search = async (value: string, kind: 'name' | 'email' = 'name') => {
      const query = { $case: kind, value } as { $case: 'name'; value: string };
      const request = { query, organisationPath: '', pageSize: 0, pageToken: '' };
      return (await running.customer.searchParties(request, operator())).parties.map(({ name }) => name);
    };
    await merge(running, married.name, old.name);
    for (const value of ['brzobohata', 'krejčová', 'zdena']) expect(await search(value)).toEqual([married.name]);
    expect(await search('zdena@old.example', 'email')).toEqual([married.name]);
    await unmerge(running, old.name);
    expect(await search('brzobohata')).toEqual([old.name]);
    expect(await search('zdena@old.example', 'email')).toEqual([old.name]);
    expect(await search('krejcova')).toEqual([married.name]);
  });

  it('refuse what can never be one', async () => {
    const one = await createParty(running, named('Petr', 'Prvý', { identifiers: nationalId('A-1') }));
    const refused = async (other: Party, over: object = {}) =>
      (await failure(merge(running, one.name, (await createParty(running, other)).name, over))).reason;
    expect((await failure(merge(running, one.name, one.name))).reason).toBe('ALREADY_MERGED');
    const company = { details: { $case: 'organisation', value: { legalName: 'Prvý s.r.o.' } }, contactPoints: [] };
    expect(await refused(person(company))).toBe('MERGE_KINDS_DIFFER');
    expect(await refused(named('Petr', 'Prvý', { synthetic: true }))).toBe('MERGE_KINDS_DIFFER');
    const root = { token: steward('/') };
    expect(await refused(named('Petr', 'Prvý', { organisationPath: '/demo/1' }), root)).toBe('MERGE_ACROSS_BANKS');
    expect(await refused(named('Petr', 'Prvý', { state: PartyState.PARTY_STATE_RESTRICTED }))).toBe('PARTY_RESTRICTED');
    const other = await createParty(running, named('Petr', 'Prvý', { identifiers: nationalId('A-2') }));
    expect((await failure(merge(running, one.name, other.name))).reason).toBe('STRONG_IDENTIFIERS_DIFFER');
    const { party } = await merge(running, one.name, other.name, { identifiersMayDiffer: true });
    expect(party?.identifiers.map(({ value }) => value).sort()).toEqual(['A-1', 'A-2']);
  });

  it('are for stewards, inside of what they may see, and for what they read', async () => {
    const [a, b] = [await createParty(running, named('Jan', 'Pátý')), await createParty(running, named('Jan', 'Pátý'))];
    for (const role of allRoles.filter((one) => one !== 'data_steward')) {
      const token = as({ sub: 'staff/x', roles: [role], orgPath: '/berka' });
      expect((await failure(merge(running, a.name, b.name, { token }))).kind).toBe('denied');
    }
    const brno = steward('/berka/brno');
    expect((await failure(merge(running, a.name, b.name, { token: brno }))).kind).toBe('not_found');
    const { etag } = await get(running, a.name);
    await update(running, a.name, { region: 'West' }, ['region']);
    const stale = { survivor: a.name, merged: b.name, survivorEtag: etag, mergedEtag: b.etag, reason: 'x' };
    const request = { ...stale, identifiersMayDiffer: false, legalHoldKnown: false, requestId: uuidv7() };
    expect((await failure(running.golden.mergeParties(request, steward()))).reason).toBe('ETAG_MISMATCH');
    const now = { ...request, survivorEtag: (await get(running, a.name)).etag, requestId: uuidv7() };
    const first = await running.golden.mergeParties(now, steward());
    expect(await running.golden.mergeParties(now, steward())).toEqual(first);
    const { count } = await running.db.system.one<{ count: number }>(
      sql`SELECT count(*)::int AS count FROM kit.audit WHERE resource = ${a.name} AND action LIKE '%MergeParties'`,
    );
    expect(count).toBe(1);
  });
});
