import { sql } from '@rapport/kit/db';
import { ListTimelineRequest, type Party, RevealReason } from '@rapport/proto/customer/v1';
import pg from 'pg';
import {
  all,
  allRoles,
  as,
  createParty,
  failure,
  operator,
  person,
  type Running,
  startCustomer,
} from '../customer.testkit.js';
import { REVEALS_PER_HOUR } from './reveal-field.js';

const clock = { at: new Date('2026-03-01T10:00:00Z') };
let running: Running;
let jana: Party;
const staff = (role: string, sub = `staff/${role}`, orgPath = '/berka') => as({ sub, roles: [role], orgPath });

beforeAll(async () => {
  running = await startCustomer({ now: () => clock.at });
  jana = await createParty(
    running,
    person({
      source: 'berka',
      sourceKey: 'client/7',
      relationshipManager: 'staff/rm1',
      identifiers: [{ kind: 1, value: '705213/1234', countryCode: 'CZ' }],
    }),
  );
});
afterAll(() => running.stop());

const reveal = (field: string, options = staff('privacy_officer'), over: object = {}) =>
  running.privacy.revealField(
    { name: jana.name, field, reason: RevealReason.REVEAL_REASON_CUSTOMER_REQUEST, case: '', ...over },
    options,
  );

describe('RevealField', () => {
  it('shows every field that is masked for the caller, one at a time, with the reason in the audit', async () => {
    const { party } = await running.customer.getParty({ name: jana.name }, staff('privacy_officer'));
    const shown: Record<string, string[]> = {};
    for (const field of party?.masked ?? []) shown[field] = (await reveal(field)).values;
    expect(shown).toEqual({
      display_name: ['Jana Nováková'],
      source_key: ['client/7'],
      contact_points: ['Jana.Novakova@example.com', '+420601123456'],
      identifiers: ['705213/1234'],
      'person.given_name': ['Jana'],
      'person.family_name': ['Nováková'],
      'person.sex': ['FEMALE'],
      'person.birth_date': ['1970-12-13'],
      'person.salutation': [],
      'person.occupation': [],
      'person.industry': [],
      'person.education': [],
      'person.income': [],
    });
    const caseName = 'cases/018f0000-0000-7000-8000-000000000000';
    await reveal('identifiers', undefined, { reason: RevealReason.REVEAL_REASON_CASE, case: caseName });
    const [last] = await all<{ actor: string; resource: string; detail: object }>(
      running,
      sql`SELECT actor, resource, detail FROM kit.audit WHERE action LIKE '%RevealField' ORDER BY xid DESC, id DESC LIMIT 1`,
    );
    expect(last).toEqual({
      actor: 'staff/privacy_officer',
      resource: jana.name,
      detail: { fields: ['identifiers'], reason: `CASE ${caseName}` },
    });
  });

  it('wants a reason of the list and no free text, a case where the reason is a case, and a known field', async () => {
    for (const over of [
      { reason: 0 },
      { reason: 99 },
      { reason: 3 },
      { case: 'Jana asked for it' },
      { name: 'parties/x' },
    ]) {
      expect([over, await failure(reveal('display_name', undefined, over))]).toEqual([
        over,
        expect.objectContaining({ kind: 'invalid' }),
      ]);
    }
    for (const field of ['', 'wrapped_key', 'sealed', 'state'])
      expect(await failure(reveal(field))).toMatchObject({ kind: 'invalid' });
  });

  it('is for who serves customers, inside of what they see', async () => {
    for (const role of allRoles) {
      const may = ['relationship_manager', 'call_centre_agent', 'branch_manager', 'privacy_officer'].includes(role);
      const manager = role === 'relationship_manager';
      const options = staff(
        role,
        manager ? 'staff/rm1' : `staff/other-${role}`,
        manager ? '/berka/prague/1' : '/berka',
      );
      expect([role, (await failure(reveal('display_name', options))).kind]).toEqual([role, may ? 'ok' : 'denied']);
    }
    const colleague = staff('relationship_manager', 'staff/rm2', '/berka/prague/1');
    expect((await reveal('display_name', colleague)).values).toEqual(['Jana Nováková']);
    for (const elsewhere of [
      staff('relationship_manager', 'staff/rm3', '/berka/brno/2'),
      staff('privacy_officer', 'staff/p2', '/berka/brno'),
      staff('call_centre_agent', 'staff/c2', '/other'),
    ]) {
      expect(await failure(reveal('display_name', elsewhere))).toMatchObject({ reason: 'PARTY_NOT_FOUND' });
    }
  });

  it('ends at the limit of each caller, also when all is asked for at once, and goes on an hour later', async () => {
    const curious = staff('call_centre_agent', 'staff/curious');
    const answers = await Promise.all(
      Array.from({ length: REVEALS_PER_HOUR + 5 }, () => failure(reveal('display_name', curious))),
    );
    expect(answers.filter(({ kind }) => kind === 'ok')).toHaveLength(REVEALS_PER_HOUR);
    expect(answers.filter(({ reason }) => reason === 'REVEAL_LIMIT_REACHED')).toHaveLength(5);
    // What was refused was not shown, and nobody else is held up.
    const audited = await all(running, sql`SELECT FROM kit.audit WHERE actor = 'staff/curious'`);
    expect(audited).toHaveLength(REVEALS_PER_HOUR);
    await reveal('display_name', staff('call_centre_agent', 'staff/calm'));
    clock.at = new Date(clock.at.getTime() + 3_600_001);
    expect((await reveal('display_name', curious)).remaining).toBe(REVEALS_PER_HOUR - 1);
  });
});

describe('ListAuditRecords', () => {
  const list = (over: object = {}, options = staff('auditor')) =>
    running.privacy.listAuditRecords({ parent: jana.name, pageSize: 0, pageToken: '', actor: '', ...over }, options);

  it('says who did what to a customer and to what belongs to it, page by page, and nothing of others', async () => {
    const other = await createParty(running, person());
    await running.customer.listTimeline(ListTimelineRequest.fromPartial({ parent: jana.name }), operator());
    const { auditRecords: whole } = await list({ pageSize: 1000 });
    expect(whole.every(({ resource }) => resource === jana.name || resource.startsWith(`${jana.name}/`))).toBe(true);
    expect(whole.some(({ resource }) => resource === `${jana.name}/timeline`)).toBe(true);
    expect(whole.at(-1)).toMatchObject({ action: 'rapport.customer.v1.CustomerService/CreateParty', actor: 'olga' });
    const revealed = whole.find(({ actor }) => actor === 'staff/curious');
    expect(revealed).toMatchObject({
      fields: ['display_name'],
      reason: 'CUSTOMER_REQUEST',
      roles: ['call_centre_agent'],
    });
    const paged: string[] = [];
    let pageToken = '';
    const before = whole.length;
    do {
      const page = await list({ pageSize: 17, pageToken, endTime: whole[0]?.time });
      paged.push(...page.auditRecords.map(({ id }) => id));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(new Set(paged).size).toBe(paged.length);
    expect(paged.length).toBeGreaterThan(before - 5);
    expect((await list({ actor: 'staff/curious', pageSize: 1000 })).auditRecords).toHaveLength(REVEALS_PER_HOUR + 1);
    expect((await list({ parent: other.name })).auditRecords.map(({ actor }) => actor)).toEqual(['olga']);
  });

  it('is for auditors and privacy officers, about whom they may see', async () => {
    for (const role of allRoles) {
      const may = ['auditor', 'privacy_officer'].includes(role);
      expect([role, (await failure(list({}, staff(role)))).kind]).toEqual([role, may ? 'ok' : 'denied']);
    }
    expect(await failure(list({}, staff('auditor', 'staff/a2', '/berka/brno')))).toMatchObject({
      reason: 'PARTY_NOT_FOUND',
    });
  });

  it('finds the records by index, not by reading the audit', async () => {
    const parent = jana.name;
    const client = new pg.Client({ connectionString: running.superuserUrl });
    await client.connect();
    await client.query('SET enable_seqscan = off');
    await client.query('SET plan_cache_mode = force_generic_plan');
    await client.query(
      `PREPARE find (text, text, text) AS SELECT id FROM kit.audit WHERE resource = $1 OR (resource ~>=~ $2 AND resource ~<~ $3)`,
    );
    const { rows } = await client.query(`EXPLAIN EXECUTE find ('${parent}', '${parent}/', '${parent}0')`);
    await client.end();
    expect(JSON.stringify(rows)).toContain('audit_resource_prefix');
  });
});
