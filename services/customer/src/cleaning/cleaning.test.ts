import { Party } from '@rapport/proto/customer/v1';
import { cleanAddress, cleanPostalCode, houseNumber, lineKey } from './address.js';
import { ibanValid, leiValid, luhnValid } from './check-digits.js';
import { cleanParty, refusals } from './cleaning.js';
import { cleanDate, type DateOrder } from './date.js';
import { cleanEmail } from './email.js';
import { cleanIdentifier, type IdentifierScheme } from './identifier.js';
import { cleanFullName, cleanPersonName } from './person-name.js';
import { cleanPhone } from './phone.js';

const codes = ({ issues }: { issues: { code: string }[] }): string[] => issues.map(({ code }) => code);

describe('a telephone number', () => {
  it.each([
    ['+420601123456', '', '+420601123456', []],
    ['601 123 456', 'CZ', '+420601123456', ['phone_reformatted']],
    ['00420 601-123-456', '', '+420601123456', ['phone_reformatted']],
    ['tel:+420 601 123 456', 'CN', '+420601123456', ['phone_reformatted']],
    ['138 0013 8000', 'CN', '+8613800138000', ['phone_reformatted']],
    ['（０２０）７９４６ ０９５８', 'GB', '+442079460958', ['phone_reformatted']],
    ['+1 212 555 2368 ext. 12', '', '+12125552368', ['phone_extension_dropped']],
    ['601 123 456', '', '601 123 456', ['phone_country_unknown']],
    ['+420 601 123', '', '+420 601 123', ['phone_impossible']],
    ['+420600000001', '', '+420600000001', ['phone_unassigned']],
    ['ask my wife', 'CZ', 'ask my wife', ['phone_unreadable']],
  ])('%s from %s is %s', (raw, country, value, issues) => {
    const cleaned = cleanPhone(raw, country);
    expect([cleaned.value, codes(cleaned)]).toEqual([value, issues]);
  });
});

describe('an e-mail address', () => {
  it.each([
    ['jana@example.cz', 'jana@example.cz', []],
    [' Jana.Nováková@example.cz', 'Jana.Nováková@example.cz', ['email_syntax']],
    ['Jana@EXAMPLE.CZ.', 'Jana@example.cz', ['email_reformatted']],
    ['<jana@bücher.de>', 'jana@xn--bcher-kva.de', ['email_reformatted']],
    ['jana@gmial.com', 'jana@gmial.com', ['email_domain_suspect']],
    ['jana@firma.con', 'jana@firma.con', ['email_domain_suspect']],
    ['jana@ymail.com', 'jana@ymail.com', []],
    ['test@firma.cz', 'test@firma.cz', ['email_placeholder']],
    ['jana..n@firma.cz', 'jana..n@firma.cz', ['email_syntax']],
    ['jana@firma', 'jana@firma', ['email_syntax']],
    ['jana@10.0.0.1', 'jana@10.0.0.1', ['email_syntax']],
    ['jana', 'jana', ['email_syntax']],
  ])('%s is %s', (raw, value, issues) => {
    const cleaned = cleanEmail(raw);
    expect([cleaned.value, codes(cleaned)]).toEqual([value, issues]);
  });
});

describe('a whole name', () => {
  it.each([
    ['NOVÁKOVÁ, Jana', 'Jana', 'Nováková', 'novakova jana'],
    ['jana nováková', 'Jana', 'Nováková', 'novakova jana'],
    ['Ing. Jana Nováková, Ph.D.', 'Jana', 'Nováková', 'novakova jana'],
    ['LUDWIG VAN BEETHOVEN', 'Ludwig', 'van Beethoven', 'van beethoven ludwig'],
    ['Vincent van der Berg', 'Vincent', 'van der Berg', 'van der berg vincent'],
    ["SEAN O'BRIEN-MCDONALD", 'Sean', "O'Brien-Mcdonald", 'o brien mcdonald sean'],
    ['IAN MCDONALD', 'Ian', 'McDonald', 'mcdonald ian'],
    ['Martin Luther King Jr', 'Martin Luther', 'King Jr.', 'king martin luther'],
    ['JP Morgan', 'JP', 'Morgan', 'morgan jp'],
    ['王小明', '小明', '王', 'wang xiaoming'],
    ['欧阳娜娜', '娜娜', '欧阳', 'ouyang nana'],
    ['单雄信先生', '雄信', '单', 'shan xiongxin'],
    ['吕 布', '布', '吕', 'lv bu'],
    ['Đặng Văn Łukasz', 'Đặng Văn', 'Łukasz', 'lukasz dang van'],
  ])('%s is %s %s', (raw, givenName, familyName, key) => {
    const cleaned = cleanFullName(raw);
    expect({ ...cleaned.value, key: cleaned.key }).toEqual({ givenName, familyName, key });
  });

  it.each([
    [{ givenName: 'Jana', familyName: 'Nováková' }, []],
    [{ givenName: 'Jana', familyName: 'NOVÁKOVÁ' }, ['name_case_corrected']],
    [{ givenName: '', familyName: 'NOVÁK, Jan' }, ['name_reordered', 'name_case_corrected']],
    [{ givenName: 'Unknown', familyName: 'Novák' }, ['name_placeholder']],
    [{ givenName: 'Jana', familyName: 'Nov4k' }, ['name_unusual_characters']],
    [{ givenName: 'Jаna', familyName: 'Novák' }, ['name_mixed_script']],
    [{ givenName: '王', familyName: '小明' }, ['name_order_suspect']],
    [{ givenName: '小明', familyName: '王' }, []],
    [{ givenName: 'Dr. Jana', familyName: 'Nováková' }, ['name_title_removed']],
  ])('%j has the issues %j', (name, issues) => {
    expect(codes(cleanPersonName(name))).toEqual(issues);
  });
});

describe('an address', () => {
  it.each([
    ['11000', 'CZ', '110 00', ['address_reformatted']],
    ['CZ-110 00', 'CZ', '110 00', ['address_reformatted']],
    ['sw1a1aa', 'GB', 'SW1A 1AA', ['address_reformatted']],
    ['12345-6789', 'US', '12345-6789', []],
    ['1100', 'CZ', '1100', ['postal_code_invalid']],
    ['anything', 'ZZ', 'anything', []],
    ['', 'CZ', '', ['postal_code_missing']],
  ])('writes the postal code %s of %s as %s', (raw, country, value, issues) => {
    const cleaned = cleanPostalCode(raw, country);
    expect([cleaned.value, codes(cleaned)]).toEqual([value, issues]);
  });

  it('keeps the words and compares them spelt out', () => {
    const one = cleanAddress({
      lines: ['12B  MAIN ST.', ''],
      locality: 'SPRINGFIELD',
      region: '',
      postalCode: '1234',
      countryCode: 'au',
    });
    expect(one.value).toEqual({
      lines: ['12B Main St.'],
      locality: 'Springfield',
      region: '',
      postalCode: '1234',
      countryCode: 'AU',
    });
    const two = cleanAddress({
      lines: ['12b Main Street'],
      locality: 'Springfield',
      region: '',
      postalCode: '1234',
      countryCode: 'AU',
    });
    expect(two.key).toBe(one.key);
    expect(lineKey('nám. Míru 5')).toBe('namesti miru 5');
    expect(['12B Main St', 'Hlavní 1234/5a', 'Flat 3', '2nd Avenue', 'no number'].map(houseNumber)).toEqual([
      '12B',
      '1234/5A',
      '3',
      '',
      '',
    ]);
  });
});

describe('a date', () => {
  it.each<[string, DateOrder | undefined, string | string[]]>([
    ['1970-12-13', undefined, '1970-12-13'],
    ['19701213', undefined, '1970-12-13'],
    ['1970/1/5', undefined, '1970-01-05'],
    ['1970-12-13T00:00:00Z', undefined, '1970-12-13'],
    ['1970年12月13日', undefined, '1970-12-13'],
    ['5. 6. 1970', undefined, '1970-06-05'],
    ['13/12/1970', undefined, '1970-12-13'],
    ['12/13/1970', undefined, '1970-12-13'],
    ['05/05/1970', undefined, '1970-05-05'],
    ['13 Dec 1970', undefined, '1970-12-13'],
    ['December 13th, 1970', undefined, '1970-12-13'],
    ['05/06/1970', undefined, ['date_ambiguous']],
    ['05/06/1970', 'dmy', '1970-06-05'],
    ['05/06/1970', 'mdy', '1970-05-06'],
    ['13.12.70', undefined, ['date_two_digit_year']],
    ['30.2.1970', undefined, ['date_impossible']],
    ['29.2.2000', undefined, '2000-02-29'],
    ['29.2.1900', undefined, ['date_impossible']],
    ['yesterday', undefined, ['date_unreadable']],
  ])('%s with order %s is %j', (raw, order, expected) => {
    const cleaned = cleanDate(raw, order);
    expect(cleaned.value ? cleaned.key : codes(cleaned)).toEqual(expected);
  });
});

describe('an identifier', () => {
  // Numbers published as examples: GB 11643-1999, the registers of ISO 13616 and ISO 17442, and of Czech law.
  it.each<[IdentifierScheme, string, string, string, string[]]>([
    ['NATIONAL_ID', 'CN', '11010519491231002x', '11010519491231002X', ['identifier_reformatted']],
    ['NATIONAL_ID', 'CN', '440524188001010014', '440524188001010014', []],
    ['NATIONAL_ID', 'CN', '110105194912310021', '110105194912310021', ['identifier_check_digit']],
    ['NATIONAL_ID', 'CN', '1101051949', '1101051949', ['identifier_form']],
    ['NATIONAL_ID', 'CZ', '736028/5163', '7360285163', ['identifier_reformatted']],
    ['NATIONAL_ID', 'CZ', '736028/5164', '736028/5164', ['identifier_check_digit']],
    ['REGISTRATION_NUMBER', 'CZ', '27074358', '27074358', []],
    ['REGISTRATION_NUMBER', 'CN', '91350100M000100Y43', '91350100M000100Y43', []],
    ['LEI', '', '5493 001K JTII GC8Y 1R12', '5493001KJTIIGC8Y1R12', ['identifier_reformatted']],
    ['NATIONAL_ID', 'SE', '811228-9874', '8112289874', ['identifier_reformatted']],
    ['OTHER', 'CZ', ' AB 123 ', 'AB 123', []],
  ])('%s of %s %s is %s', (scheme, country, raw, value, issues) => {
    const cleaned = cleanIdentifier({ scheme, country, value: raw });
    expect([cleaned.value, codes(cleaned)]).toEqual([value, issues]);
  });

  it('knows the published examples of IBAN, LEI and Luhn', () => {
    expect(['GB29NWBK60161331926819', 'CZ6508000000192000145399', 'DE89370400440532013000'].map(ibanValid)).toEqual([
      true,
      true,
      true,
    ]);
    expect(ibanValid('CZ650800000019200014539')).toBe(false);
    expect(leiValid('5493001KJTIIGC8Y1R12')).toBe(true);
    expect(luhnValid('4539578763621486')).toBe(true);
  });

  it('tells the day of birth and the sex', () => {
    const told = (country: string, value: string) => cleanIdentifier({ scheme: 'NATIONAL_ID', country, value }).told;
    expect(told('CN', '11010519491231002X')).toEqual({ birthDate: '1949-12-31', sex: 'female' });
    expect(told('CZ', '736028/5163')).toEqual({ birthDate: '1973-10-28', sex: 'female' });
    expect(told('CN', '110105491231002')).toEqual({ birthDate: '1949-12-31', sex: 'female' });
  });
});

describe('a party', () => {
  const party = (over: object = {}): Party =>
    Party.fromPartial({
      details: {
        $case: 'person',
        value: { givenName: 'JANA', familyName: 'Nováková', sex: 1, birthDate: { year: 1973, month: 10, day: 28 } },
      },
      contactPoints: [
        { point: { $case: 'phone', value: '601 123 456' }, preferred: true },
        { point: { $case: 'email', value: 'jana@EXAMPLE.cz' } },
        {
          point: {
            $case: 'postalAddress',
            value: { lines: ['HLAVNÍ 12'], locality: 'Praha', postalCode: '11000', countryCode: 'CZ' },
          },
        },
      ],
      identifiers: [{ kind: 1, value: '736028/5163', countryCode: 'CZ' }],
      ...over,
    });
  const clean = (raw: Party, country = '') => cleanParty(raw, { country }, '2026-01-01');

  it('is brought into its proper form with everything in it, once and for all', () => {
    const { party: cleaned, quality } = clean(party());
    expect(Party.toJSON(cleaned)).toMatchObject({
      person: { givenName: 'Jana', familyName: 'Nováková' },
      contactPoints: [
        { phone: '+420601123456', preferred: true },
        { email: 'jana@example.cz' },
        { postalAddress: { lines: ['Hlavní 12'], postalCode: '110 00' } },
      ],
      identifiers: [{ value: '7360285163' }],
    });
    expect(quality.score).toBe(100);
    expect(clean(cleaned)).toEqual({ party: cleaned, quality: { ...quality, issues: [] } });
  });

  it('loses points by what is missing, doubtful or wrong, each by its weight', () => {
    const score = (over: object, country = 'CZ') => clean(party(over), country).quality.score;
    expect(score({ identifiers: [] })).toBe(80);
    expect(score({ contactPoints: [] })).toBe(60);
    expect(score({ identifiers: [{ kind: 1, value: '736028/5164', countryCode: 'CZ' }] })).toBe(80);
    const phones = (...values: string[]) => values.map((value) => ({ point: { $case: 'phone', value } }));
    expect(score({ contactPoints: phones('601123456') })).toBe(75);
    expect(score({ contactPoints: phones('+420600000001') })).toBe(68);
    // One good number is enough, though the other is still an issue.
    expect(score({ contactPoints: phones('12', '601123456') })).toBe(75);
    expect(codes(clean(party({ contactPoints: phones('12', '601123456') }), 'CZ').quality)).toContain(
      'phone_impossible',
    );
  });

  it('has its numbers where it lives, else where the bank is', () => {
    const at = (countryCode: string) => [
      { point: { $case: 'phone', value: '030 901820' } },
      ...(countryCode ? [{ point: { $case: 'postalAddress', value: { lines: ['Weg 1'], countryCode } } }] : []),
    ];
    const phone = (countryCode: string, bank: string) =>
      clean(party({ contactPoints: at(countryCode) }), bank).party.contactPoints[0]?.point?.value;
    expect([phone('DE', 'CZ'), phone('', 'DE'), phone('', '')]).toEqual(['+4930901820', '+4930901820', '030 901820']);
  });

  it('is compared with what its numbers say', () => {
    const other = {
      $case: 'person',
      value: { givenName: 'Jan', familyName: 'Novák', sex: 2, birthDate: { year: 1974, month: 10, day: 28 } },
    };
    const found = codes(clean(party({ details: other })).quality);
    expect(found).toEqual(expect.arrayContaining(['identifier_birth_date_differs', 'identifier_sex_differs']));
    const old = {
      $case: 'person',
      value: { givenName: 'Jan', familyName: 'Novák', birthDate: { year: 1870, month: 1, day: 1 } },
    };
    expect(codes(clean(party({ details: old, identifiers: [] })).quality)).toContain('birth_date_implausible');
  });

  it('is refused from a person where nothing can be sent, with what to do', () => {
    const raw = party({
      contactPoints: [{ point: { $case: 'phone', value: '601123456' } }, { point: { $case: 'email', value: 'jana' } }],
    });
    expect(refusals(clean(raw))).toEqual([
      { field: 'contact_points[0].phone', description: expect.stringContaining('country code') },
      { field: 'contact_points[1].email', description: expect.stringContaining('name@example.org') },
    ]);
    expect(refusals(clean(party()))).toEqual([]);
  });
});
