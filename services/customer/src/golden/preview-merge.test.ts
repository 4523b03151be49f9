import { sql } from '@rapport/kit/db';
import {
  IdentifierKind,
  LegalHold,
  LegalHoldReason,
  PartyState,
  SurvivorshipCriterion,
} from '@rapport/proto/customer/v1';
import { uuidv7 } from '@rapport/kit/runtime';
import { all, allRoles, as, createParty, failure, person, type Running, startCustomer } from '../customer.testkit.js';
import { merge, steward, update } from './golden.testkit.js';

let running: Running;
beforeAll(async () => {
  running = await startCustomer();
});
afterAll(() => running.stop());

const email = (value: string) => ({ point: { $case: 'email' as const, value } });
const named = (givenName: string, familyName: string, over: object = {}) =>
  person({ details: { $case: 'person', value: { givenName, familyName } }, contactPoints: [], ...over });
const preview = (survivor: string, merged: string, token = steward()) =>
  running.golden.previewMerge({ survivor, merged }, token);

describe('PreviewMerge', () => {
  it('says for each field which value of which source would win, and the merge then does so', async () => {
    const both = email('anna@both.example');
    const core = await createParty(
      running,
      named('Anna', 'Malá', { source: 'core', sourceKey: 'p1', contactPoints: [both, email('anna@core.example')] }),
    );
    const app = await createParty(
      running,
      named('Anička', 'Malá', {
        ...{ source: 'app', sourceKey: 'p1', language: 'cs', contactPoints: [both, email('anna@app.example')] },
        identifiers: [{ kind: IdentifierKind.IDENTIFIER_KIND_PASSPORT, value: 'AB1234567', countryCode: 'CZ' }],
      }),
    );
    await update(running, app.name, { language: 'en' }, ['language']);
    const rows = () => all<object>(running, sql`SELECT party_id, golden_id, version, aliases FROM party ORDER BY 1`);
    const [before, seen] = [await rows(), await preview(core.name, app.name)];
    expect(await rows()).toEqual(before);
    const at = (path: string) => seen.fields.find((one) => one.path === path);
    expect(at('person.given_name')).toMatchObject({ survivorValue: 'Anna', mergedValue: 'Anička' });
    expect(at('person.family_name')?.decidedBy).not.toBe(SurvivorshipCriterion.SURVIVORSHIP_CRITERION_UNSPECIFIED);
    expect(at('language')).toMatchObject({
      survivorValue: '',
      mergedValue: 'en',
      value: 'en',
      source: 'sources/rapport',
    });
    const points = seen.fields.filter(({ path }) => path.startsWith('contact_points['));
    expect(points.map(({ value, survivorValue, mergedValue }) => [value, survivorValue, mergedValue]).sort()).toEqual([
      ['anna@app.example', '', 'anna@app.example'],
      ['anna@both.example', 'anna@both.example', 'anna@both.example'],
      ['anna@core.example', 'anna@core.example', ''],
    ]);
    expect(at('identifiers[0]')).toMatchObject({
      value: 'AB1234567 CZ',
      survivorValue: '',
      mergedValue: 'AB1234567 CZ',
    });
    expect(seen.obstacles).toEqual([]);
    const { party } = await merge(running, core.name, app.name);
    const told = ({ etag, updateTime, aliases, ...rest }: NonNullable<typeof party>) => rest;
    expect(told(party as NonNullable<typeof party>)).toEqual(told(seen.party as NonNullable<typeof party>));
    expect((await failure(preview(core.name, app.name))).reason).toBe('ALREADY_MERGED');
  });

  it('names everything that stands in the way, and whether a steward may overrule it', async () => {
    const passport = (value: string) => [{ kind: IdentifierKind.IDENTIFIER_KIND_PASSPORT, value, countryCode: 'CZ' }];
    const one = await createParty(running, named('Petr', 'Prvý', { identifiers: passport('AB1234567') }));
    const other = await createParty(running, named('Petr', 'Prvý', { identifiers: passport('AB7654321') }));
    const officer = as({ sub: 'staff/piet', roles: ['privacy_officer'], orgPath: '/berka' });
    const endTime = new Date(Date.now() + 86_400_000);
    const legalHold = LegalHold.fromPartial({ reason: LegalHoldReason.LEGAL_HOLD_REASON_LITIGATION, endTime });
    await running.privacy.placeLegalHold({ parent: other.name, legalHold, requestId: uuidv7() }, officer);
    expect((await preview(one.name, other.name)).obstacles).toEqual([
      { reason: 'STRONG_IDENTIFIERS_DIFFER', mayBeOverruled: true },
      { reason: 'MERGE_UNDER_LEGAL_HOLD', mayBeOverruled: true },
    ]);
    const bound = await createParty(running, named('Petr', 'Prvý', { state: PartyState.PARTY_STATE_RESTRICTED }));
    expect((await preview(one.name, bound.name)).obstacles).toEqual([
      { reason: 'PARTY_RESTRICTED', mayBeOverruled: false },
    ]);
    const company = { details: { $case: 'organisation', value: { legalName: 'Prvý s.r.o.' } }, contactPoints: [] };
    const organisation = await createParty(running, person(company));
    expect((await failure(preview(one.name, organisation.name))).reason).toBe('MERGE_KINDS_DIFFER');
  });

  it('is for stewards and auditors inside of what they may see, and leaves a record of the reading', async () => {
    const [a, b] = [await createParty(running, named('Jan', 'Pátý')), await createParty(running, named('Jan', 'Pátý'))];
    for (const role of allRoles.filter((one) => one !== 'data_steward' && one !== 'auditor')) {
      const token = as({ sub: 'staff/x', roles: [role], orgPath: '/berka' });
      expect((await failure(preview(a.name, b.name, token))).kind).toBe('denied');
    }
    expect((await failure(preview(a.name, b.name, steward('/berka/brno')))).kind).toBe('not_found');
    await preview(a.name, b.name, as({ sub: 'staff/audrey', roles: ['auditor'], orgPath: '/berka' }));
    const reads = await all<{ resource: string }>(
      running,
      sql`SELECT resource FROM kit.audit WHERE action LIKE '%/PreviewMerge' AND actor = 'staff/audrey'`,
    );
    expect(reads.map(({ resource }) => resource).sort()).toEqual([a.name, b.name].sort());
  });

  it('a hold that was placed on two that were one holds for both when they are two again', async () => {
    const [a, b] = [await createParty(running, named('Iva', 'Dvě')), await createParty(running, named('Iva', 'Dvě'))];
    await merge(running, a.name, b.name);
    const officer = as({ sub: 'staff/piet', roles: ['privacy_officer'], orgPath: '/berka' });
    const endTime = new Date(Date.now() + 86_400_000);
    const legalHold = LegalHold.fromPartial({ reason: LegalHoldReason.LEGAL_HOLD_REASON_LITIGATION, endTime });
    await running.privacy.placeLegalHold({ parent: b.name, legalHold, requestId: uuidv7() }, officer);
    const { etag } = (await running.customer.getParty({ name: a.name }, steward())).party ?? { etag: '' };
    await running.golden.unmergeParties({ name: b.name, etag, reason: 'two people', requestId: uuidv7() }, steward());
    for (const { name } of [a, b]) {
      const request = { parent: name, pageSize: 0, pageToken: '' };
      expect((await running.privacy.listLegalHolds(request, officer)).legalHolds).toHaveLength(1);
    }
  });
});
