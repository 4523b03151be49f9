import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import { type Party, QualitySeverity, type SourceQuality } from '@rapport/proto/customer/v1';
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
import { judgeParties } from './judge-parties.js';

let running: Running;

beforeAll(async () => {
  running = await startCustomer();
});
afterAll(() => running.stop());

const phone = (value: string) => ({ point: { $case: 'phone' as const, value } });
const create = (party: Party) => running.customer.createParty({ party, requestId: uuidv7() }, operator());
const steward = (orgPath: string) => as({ sub: 'staff/stella', roles: ['data_steward'], orgPath });
const report = async (token = operator(), organisationPath = '', source = ''): Promise<SourceQuality[]> =>
  (await running.quality.reportQuality({ organisationPath, source }, token)).sources;

/** The counts as they should be, from the parties themselves. */
async function expectTrueCounts(): Promise<void> {
  const counted = await all(
    running,
    sql`SELECT organisation_path, source, code, sum(parties)::int AS parties, sum(score)::int AS score FROM quality_count
      GROUP BY 1, 2, 3 HAVING sum(parties) <> 0 ORDER BY 1, 2, 3`,
  );
  const expected = await all(
    running,
    sql`SELECT organisation_path, coalesce(source, '') AS source, c.code, count(*)::int AS parties,
        sum(CASE WHEN c.code = '' THEN quality ELSE 0 END)::int AS score
      FROM party CROSS JOIN LATERAL unnest(array_prepend('', issues)) AS c (code) WHERE quality IS NOT NULL
      GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`,
  );
  expect(counted).toEqual(expected);
}

describe('a party that is written', () => {
  it('is kept in its proper form', async () => {
    const contactPoints = [phone('601 123 456'), { point: { $case: 'email', value: 'Jana@BÜCHER.de' } }];
    const details = { $case: 'person', value: { givenName: '', familyName: 'NOVÁKOVÁ, Jana' } };
    const { party } = await create(person({ details, contactPoints }));
    expect(party?.displayName).toBe('Jana Nováková');
    expect(party?.contactPoints.map(({ point }) => point?.value)).toEqual(['+420601123456', 'Jana@xn--bcher-kva.de']);
    const found = await running.customer.searchParties(
      { query: { $case: 'phone', value: '+420601123456' }, organisationPath: '', pageSize: 0, pageToken: '' },
      operator(),
    );
    expect(found.parties.map(({ name }) => name)).toContain(party?.name);
  });

  it('is refused with what to do where nothing could be sent, and only for what the writer wrote', async () => {
    const wrong = person({ contactPoints: [phone('601 123')] });
    await expect(create(wrong)).rejects.toMatchObject({
      reason: 'FIELD_INVALID',
      violations: [
        { field: 'party.contact_points[0].phone', description: expect.stringContaining('+420 601 123 456') },
      ],
    });
    const source = 'web';
    const rows = [{ line: 1n, row: { $case: 'party', value: { sourceKey: 'w/1', party: { ...wrong, name: '' } } } }];
    const answer = await running.customer.import(importOf({ source }, [rows]), operator());
    expect(answer.import?.counts).toMatchObject([{ created: 1n, rejected: 0n }]);
    const list = { pageSize: 0, pageToken: '', organisationPath: '', relationshipManager: '', kind: 0, region: '' };
    const { parties } = await running.customer.listParties({ ...list, source, sourceKey: 'w/1' }, operator());
    const [imported] = parties as [Party];
    expect(imported.contactPoints[0]?.point?.value).toBe('601 123');
    const update = (party: object, updateMask: string[]) =>
      running.customer.updateParty({ party: { ...imported, ...party }, updateMask, requestId: uuidv7() }, operator());
    const { party: moved } = await update({ region: 'Brno' }, ['region']);
    const contactPoints = [phone('601 1')] as Party['contactPoints'];
    expect(await failure(update({ etag: moved?.etag, contactPoints }, ['contact_points']))).toMatchObject({
      fields: ['party.contact_points[0].phone'],
    });
  });
});

describe('GetPartyQuality', () => {
  it('gives the score with its parts and what is wrong', async () => {
    const party = await createParty(running, person({ contactPoints: [phone('+420600000001')] }));
    const { quality } = await running.quality.getPartyQuality({ name: party.name }, steward('/berka'));
    expect(quality).toMatchObject({ party: party.name, score: 48 });
    expect(quality?.parts.find(({ element }) => element === 'phone')).toEqual({
      element: 'phone',
      weight: 15,
      points: 7.5,
    });
    expect(quality?.issues).toEqual([
      {
        field: 'contact_points[0].phone',
        code: 'phone_unassigned',
        severity: QualitySeverity.QUALITY_SEVERITY_WARNING,
      },
      { field: 'identifier', code: 'identifier_missing', severity: QualitySeverity.QUALITY_SEVERITY_MISSING },
      { field: 'email', code: 'email_missing', severity: QualitySeverity.QUALITY_SEVERITY_MISSING },
      { field: 'address', code: 'address_missing', severity: QualitySeverity.QUALITY_SEVERITY_MISSING },
    ]);
    expect(JSON.stringify(quality)).not.toContain('600000001');
    const [stored] = await all(running, sql`SELECT quality FROM party WHERE party_id = ${party.name.slice(8)}`);
    expect(stored).toEqual({ quality: 48 });
    expect(await failure(running.quality.getPartyQuality({ name: party.name }, steward('/other')))).toMatchObject({
      reason: 'PARTY_NOT_FOUND',
    });
    const reads = await all(
      running,
      sql`SELECT FROM kit.audit WHERE actor = 'staff/stella' AND resource = ${party.name}`,
    );
    expect(reads).toHaveLength(1);
  });

  it('is for those who mend and judge records, and nobody else', async () => {
    const party = await createParty(running);
    for (const role of allRoles) {
      const token = as({ sub: 'staff/x', roles: [role], orgPath: '/berka' });
      const may = ['operator', 'auditor', 'branch_manager', 'data_steward'].includes(role);
      const answers = [failure(running.quality.getPartyQuality({ name: party.name }, token)), failure(report(token))];
      for (const answer of answers) expect((await answer).kind).toBe(may ? 'ok' : 'denied');
    }
  });
});

describe('parties that an older version wrote', () => {
  it('are cleaned, judged and found, once', async () => {
    const party = await createParty(
      running,
      person({ identifiers: [{ kind: 2, value: 'AB 1234567', countryCode: 'CZ' }] }),
    );
    const id = party.name.slice(8);
    await all(running, sql`UPDATE party SET quality = NULL, issues = '{}', given_name = 'JANA' WHERE party_id = ${id}`);
    await all(running, sql`DELETE FROM party_contact WHERE party_id = ${id}`);
    const looked = await Promise.all([judgeParties(running.deps), judgeParties(running.deps)]);
    expect(looked.toSorted()).toEqual([0, 1]);
    expect(await judgeParties(running.deps)).toBe(0);
    const query = { $case: 'identifier' as const, value: 'ab1234567' };
    const { parties } = await running.customer.searchParties(
      { query, organisationPath: '', pageSize: 0, pageToken: '' },
      operator(),
    );
    expect(parties).toMatchObject([{ name: party.name, etag: '"2"', details: { value: { givenName: 'Jana' } } }]);
    await expectTrueCounts();
  });

  it('stay as they are where their key is gone', async () => {
    const party = await createParty(running);
    const id = party.name.slice(8);
    await all(running, sql`UPDATE party SET quality = NULL, wrapped_key = '' WHERE party_id = ${id}`);
    expect(await judgeParties(running.deps)).toBe(1);
    expect(await all(running, sql`SELECT quality, family_name FROM party WHERE party_id = ${id}`)).toEqual([
      { quality: 0, family_name: 'Nováková' },
    ]);
  });
});

describe('ReportQuality', () => {
  it('says by source what fails most, in the part of the bank that the caller may see', async () => {
    const good = person({ organisationPath: '/berka/brno/1' });
    const bad = person({ organisationPath: '/berka/brno/2', contactPoints: [phone('12')] });
    const row = (key: string, party: Party) => ({
      line: 1n,
      row: { $case: 'party', value: { sourceKey: key, party: { ...party, name: '' } } },
    });
    await running.customer.import(
      importOf({ source: 'app' }, [[row('1', good), row('2', bad), row('3', bad)]]),
      operator(),
    );
    const [app] = await report(operator(), '/berka/brno', 'app');
    expect(app).toMatchObject({ source: 'app', parties: 3n });
    expect(app?.averageScore).toBeCloseTo((65 + 40 + 40) / 3);
    expect(app?.counts.slice(0, 2)).toMatchObject([
      { code: 'address_missing', parties: 3n, share: 1 },
      { code: 'identifier_missing', parties: 3n },
    ]);
    expect(app?.counts).toContainEqual({
      code: 'phone_impossible',
      severity: QualitySeverity.QUALITY_SEVERITY_ERROR,
      parties: 2n,
      share: 2 / 3,
    });
    const manager = as({ sub: 'staff/m', roles: ['branch_manager'], orgPath: '/berka/brno/1' });
    expect(await report(manager)).toMatchObject([{ source: 'app', parties: 1n, averageScore: 65 }]);
    await expectTrueCounts();
  });

  it('follows updates, moves and deletions, whoever makes them', async () => {
    const party = await createParty(running, person({ contactPoints: [] }));
    await expectTrueCounts();
    const { party: updated } = await running.customer.updateParty(
      {
        party: {
          ...party,
          organisationPath: '/berka/prague/9',
          contactPoints: [phone('601123456')] as Party['contactPoints'],
        },
        updateMask: ['organisation_path', 'contact_points'],
        requestId: uuidv7(),
      },
      operator(),
    );
    expect(await report(operator(), '/berka/prague/9')).toMatchObject([{ source: '', parties: 1n, averageScore: 55 }]);
    await expectTrueCounts();
    await running.db.system.run(sql`DELETE FROM party WHERE party_id = ${updated?.name.slice(8)}`);
    expect(await report(operator(), '/berka/prague/9')).toEqual([]);
    await expectTrueCounts();
  });

  it('counts what many write at once', async () => {
    await Promise.all(
      Array.from({ length: 40 }, () => createParty(running, person({ organisationPath: '/berka/ostrava' }))),
    );
    expect(await report(operator(), '/berka/ostrava')).toMatchObject([{ parties: 40n }]);
    await expectTrueCounts();
  });
});
