import { everything, sql } from '@rapport/kit/db';
import { carryOutErasures, eraseEvents } from '@rapport/kit/events';
import { uuidv7 } from '@rapport/kit/runtime';
import { PartyErased } from '@rapport/proto/cases/v1';
import { PartyErasureRequested, PartyState, PartyUpdated } from '@rapport/proto/customer/v1';
import { failure, open, opening, operator, party, type RunningCases, startCases } from '../cases.testkit.js';
import { erasing, onPartyErasureRequested } from '../privacy/erase-party.js';
import { personalData } from '../privacy/personal-data.js';
import { onPartyChanged } from './restriction.js';

let running: RunningCases;
beforeAll(async () => {
  running = await startCases();
});
afterAll(() => running.stop());

const told = (state: PartyState) =>
  running.db.transaction(everything, (tx) => onPartyChanged(tx, PartyUpdated.fromPartial({ party: party(), state })));
const note = (name: string, text = 'called back') =>
  failure(running.cases.addNote({ name, text, requestId: uuidv7(), occurTime: undefined }, operator()));

describe('a party whose processing is restricted', () => {
  it('has its cases rest, but for the request itself, until it may be used again', async () => {
    const complaint = await open(running);
    const request = await open(running, { type: 'caseTypes/data_subject_request', subject: 'Restriction' });
    await told(PartyState.PARTY_STATE_RESTRICTED);
    await told(PartyState.PARTY_STATE_RESTRICTED);
    expect(await note(complaint.name)).toMatchObject({ reason: 'PARTY_RESTRICTED', kind: 'precondition' });
    expect(await note(request.name)).toMatchObject({ kind: 'ok' });
    const anonymous = await open(running, { party: '' });
    expect(await note(anonymous.name)).toMatchObject({ kind: 'ok' });
    await told(PartyState.PARTY_STATE_ACTIVE);
    expect(await note(complaint.name)).toMatchObject({ kind: 'ok' });
  });
});

describe('an erasure', () => {
  it('leaves of a case when it came and how it went, and no word that was said', async () => {
    const secret = 'Nováková of Dlouhá 7';
    const erased = await open(running, {
      party: party('9'),
      subject: secret,
      description: secret,
      source: 'mail',
      sourceKey: secret,
    });
    await note(erased.name, secret);
    const kept = await open(running, { party: party('8'), subject: secret });
    const gathered: string[] = [];
    for await (const { collection } of personalData(running)([party('9').slice(8)])) gathered.push(collection);
    expect(gathered).toEqual(['service_case', ...gathered.slice(1)]);
    expect(gathered.slice(1).every((collection) => collection === 'case_history')).toBe(true);
    const request = PartyErasureRequested.fromPartial({
      party: party('9'),
      dataSubjectRequest: `dataSubjectRequests/${uuidv7()}`,
      organisationPath: '/berka/prague/1',
    });
    await expect(running.db.system.run(sql`DELETE FROM case_history`)).rejects.toThrow('kept as it was written');
    const hear = () => running.db.transaction(everything, (tx) => onPartyErasureRequested(tx, request));
    await hear();
    await hear();
    expect(await carryOutErasures(erasing(running))).toBe(1);
    expect(await carryOutErasures(erasing(running))).toBe(0);
    // As the relay does, once the receipt is out.
    await running.db.transaction(everything, (tx) => eraseEvents(tx, party('9').slice(8)));
    const tables = await running.db.system.rows<{ table: string }>(sql`
      SELECT c.oid::regclass::text AS table FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname IN ('public', 'kit') AND c.relkind IN ('r', 'p') AND NOT c.relispartition`);
    const id = erased.name.slice('cases/'.length);
    for (const { table } of tables) {
      const rows = await running.db.system.rows<{ text: string }>(
        sql`SELECT t::text AS text FROM ${sql.raw(table)} t WHERE t::text LIKE ${`%${id}%`} OR t::text LIKE ${`%${party('9')}%`}`,
      );
      const said = rows.filter(
        ({ text }) => text.includes('Dlouh') || text.includes(Buffer.from(secret).toString('hex')),
      );
      expect([table, said]).toEqual([table, []]);
    }
    const receipts = await running.db.system.rows<{ payload: Buffer }>(sql`
      SELECT payload FROM kit.outbox WHERE type = ${PartyErased.$type}`);
    expect(receipts.map(({ payload }) => PartyErased.decode(payload))).toMatchObject([
      { party: party('9'), counts: { service_case: 1n, case_key: 1n } },
    ]);
    const { case: still } = await running.cases.getCase({ name: kept.name }, operator());
    expect(still?.subject).toBe(secret);
    const { case: bare } = await running.cases.getCase({ name: erased.name }, operator());
    expect(bare).toMatchObject({ party: '', subject: '', description: '', source: '', type: 'caseTypes/complaint' });
    expect(await failure(running.cases.openCase(opening({ party: party('9') }), operator()))).toMatchObject({
      kind: 'ok',
    });
  });
});
