import { PartyKind, Party } from '@rapport/proto/customer/v1';
import fc from 'fast-check';
import { type Criterion, defaultCriteria, type StatedRecord, survive } from './survivorship.js';

const HOME = '00000000-0000-7000-8000-000000000001';
const OTHER = '00000000-0000-7000-8000-000000000002';
const root = { partyId: HOME, kind: PartyKind.PARTY_KIND_PERSON, source: '', sourceKey: '', synthetic: false };

interface Said {
  givenName?: string;
  region?: string;
  emails?: string[];
  homeId?: string;
  priority?: number;
  staff?: boolean;
  at?: number;
  removed?: string[];
}

let made = 0;
function record(said: Said, recordId = `r${made++}`): StatedRecord {
  const { givenName = '', region = '', emails = [], homeId = HOME, priority = 0, staff = false, at = 0 } = said;
  const party = Party.fromPartial({
    details: { $case: 'person', value: { givenName, familyName: givenName === '' ? '' : 'Nová' } },
    region,
    organisationPath: `/berka/${homeId === HOME ? 'a' : 'b'}`,
    contactPoints: emails.map((value) => ({ point: { $case: 'email', value } })),
  });
  const removals = (said.removed ?? []).map((value) => {
    return { path: 'contact_points', key: `email ${value}`, time: new Date(at) };
  });
  return {
    recordId,
    homeId,
    source: staff ? 'rapport' : 's',
    priority,
    staff,
    party,
    changed: () => new Date(at),
    removals,
  };
}

const none = { criteria: defaultCriteria, choices: new Map<string, string>() };
const region = (records: StatedRecord[], criteria: readonly Criterion[]) =>
  survive(root, records, { criteria: () => criteria, choices: new Map() }).party.region;
const emailsOf = (records: StatedRecord[]) =>
  survive(root, records, none).party.contactPoints.map(({ point }) => point?.value);

describe('survive', () => {
  it('goes by the criteria in their order, and says which one decided', () => {
    const high = record({ region: 'high', priority: 9, at: 1 });
    const late = record({ region: 'late', priority: 1, at: 2 });
    expect(region([high, late], ['priority', 'recency'])).toBe('high');
    expect(region([high, late], ['recency', 'priority'])).toBe('late');
    const full = record({ region: 'full', givenName: 'Eva', emails: ['a@b.example'], at: 1 });
    expect(region([late, full], ['completeness'])).toBe('full');
    const { fields } = survive(root, [high, late], none);
    expect(fields.find(({ path }) => path === 'region')).toMatchObject({ by: 'recency', others: [high] });
  });

  it('lets the later of staff and the best source win, whatever the priority of the source', () => {
    const core = (at: number) => record({ givenName: 'Core', priority: 1000, at });
    const staff = record({ givenName: 'Staff', staff: true, at: 5 });
    const name = (records: StatedRecord[]) => survive(root, records, none).names && survive(root, records, none).party;
    expect(name([core(4), staff]).details?.value).toMatchObject({ givenName: 'Staff' });
    expect(name([core(5), staff]).details?.value).toMatchObject({ givenName: 'Staff' });
    expect(name([core(6), staff]).details?.value).toMatchObject({ givenName: 'Core' });
  });

  it('unites addresses by their proper form, without what staff took out until a source says it again', () => {
    const app = (at: number) => record({ emails: ['one@x.example', 'TWO@x.example'], at });
    const core = record({ emails: ['two@x.example', 'three@x.example'], at: 1 });
    expect(emailsOf([app(2), core])).toEqual(['one@x.example', 'TWO@x.example', 'three@x.example']);
    const staff = record({ staff: true, removed: ['two@x.example'], at: 3 });
    expect(emailsOf([app(2), core, staff])).toEqual(['one@x.example', 'three@x.example']);
    expect(emailsOf([app(4), core, staff])).toContain('TWO@x.example');
  });

  it('leaves a party where the surviving record stands', () => {
    const records = [record({ at: 1 }), record({ homeId: OTHER, at: 9, priority: 9 })];
    expect(survive(root, records, none).party.organisationPath).toBe('/berka/a');
  });

  const said = fc.record({
    givenName: fc.constantFrom('', 'Eva', 'Ewa', 'Jana'),
    region: fc.constantFrom('', 'north', 'south'),
    emails: fc.uniqueArray(fc.constantFrom('a@x.example', 'A@x.example', 'b@x.example'), { maxLength: 3 }),
    homeId: fc.constantFrom(HOME, OTHER),
    priority: fc.integer({ min: 0, max: 2 }),
    staff: fc.boolean(),
    at: fc.integer({ min: 0, max: 3 }),
    removed: fc.uniqueArray(fc.constantFrom('a@x.example', 'b@x.example'), { maxLength: 2 }),
  });
  const several = fc
    .array(said, { minLength: 1, maxLength: 6 })
    .map((all) => all.map((one, at) => record(one, `r${at}`)));

  it('does not depend on the order of the records, nor on being asked again', () => {
    fc.assert(
      fc.property(several, fc.infiniteStream(fc.nat()), (records, order) => {
        const shuffled = records.map((one) => [order.next().value as number, one] as const);
        const other = shuffled.toSorted(([a], [b]) => a - b).map(([, one]) => one);
        const result = survive(root, records, none);
        expect(survive(root, other, none)).toEqual(result);
        expect(survive(root, records, none)).toEqual(result);
      }),
    );
  });

  it('says of one record what the record says, and never what none says', () => {
    fc.assert(
      fc.property(several, (records) => {
        const { party, fields } = survive(root, records, none);
        expect(['', ...records.map((one) => one.party.region)]).toContain(party.region);
        const stated = records.flatMap((one) => one.party.contactPoints.map(({ point }) => point?.value));
        for (const { point } of party.contactPoints) expect(stated).toContain(point?.value);
        for (const { record: won } of fields) expect(records).toContain(won);
        const [one] = records as [StatedRecord];
        const alone = { ...one, homeId: HOME, removals: [] };
        const again = survive(root, [alone], none).party;
        expect(again.region).toBe(one.party.region);
        // What survived, stated as one record, survives as it is.
        const settled = survive(root, [{ ...alone, party }], none).party;
        expect({ ...settled, contactPoints: [] }).toEqual({ ...party, contactPoints: [] });
        expect(settled.contactPoints).toEqual(party.contactPoints);
      }),
    );
  });

  it('lets a steward choose, over every criterion', () => {
    fc.assert(
      fc.property(several, fc.nat(), (records, at) => {
        const chosen = records[at % records.length] as StatedRecord;
        const choices = new Map([['region', chosen.recordId]]);
        const result = survive(root, records, { ...none, choices });
        if (chosen.party.region === '') return;
        expect(result.party.region).toBe(chosen.party.region);
        expect(result.fields.find(({ path }) => path === 'region')?.by).toBe('choice');
      }),
    );
  });
});
