import { Party } from '@rapport/proto/customer/v1';
import fc from 'fast-check';
import { cleanAddress } from './address.js';
import {
  birthNumberDigit,
  ibanOf,
  ibanValid,
  leiOf,
  leiValid,
  luhnDigit,
  luhnValid,
  registrationDigit,
  residentDigit,
  socialCreditDigit,
  socialCreditValid,
} from './check-digits.js';
import { cleanParty } from './cleaning.js';
import { cleanDate } from './date.js';
import { cleanEmail } from './email.js';
import { cleanIdentifier, type IdentifierScheme } from './identifier.js';
import { cleanFullName, cleanPersonName } from './person-name.js';
import { cleanPhone } from './phone.js';
import { fold, tidy } from './text.js';

/** Text as nobody should send it: any code unit, controls, marks of direction, halves of pairs, NUL, and long runs. */
const hostile = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme', maxLength: 60 }) },
  {
    weight: 2,
    arbitrary: fc
      .array(
        fc.constantFrom(
          '\0',
          '\u202E',
          '\uD800',
          '\uDC00',
          '\u200B',
          '\n',
          ' ',
          ',',
          '.',
          '@',
          '+',
          '0',
          'A',
          'é',
          '王',
          'ﬁ',
          'İ',
          'ß',
          "'",
          '-',
        ),
        { maxLength: 40 },
      )
      .map((pieces) => pieces.join('')),
  },
  { weight: 1, arbitrary: fc.string({ minLength: 1, maxLength: 4 }).map((piece) => piece.repeat(20_000)) },
);
const like = (characters: string, maxLength = 30) =>
  fc.array(fc.constantFrom(...characters), { maxLength }).map((all) => all.join(''));
const phones = fc.oneof(hostile, like('0123456789+-() .x'));
const emails = fc.oneof(hostile, like('abcGMail.com@-<>üö'));
const names = fc.oneof(hostile, like("abcNOVÁKová, .-'IVJrDrvandeMc王小明欧阳"));
const lines = fc.oneof(hostile, like("abcSTREETulice 0123456789/,.-'"));
const countries = fc.constantFrom('', 'CZ', 'CN', 'US', 'GB', 'DE', 'XX', 'SE');
const schemes = fc.constantFrom<IdentifierScheme>('NATIONAL_ID', 'TAX_ID', 'REGISTRATION_NUMBER', 'LEI', 'OTHER');
const runs = { numRuns: 1_000 };

const clear = /^(?:(?![\p{Cc}\p{Cs}]).)*$/su;

describe('cleaning whatever comes in', () => {
  it('cleans text to something that can be stored, and again to the same', () => {
    fc.assert(
      fc.property(hostile, (raw) => {
        const { text } = tidy(raw, 'x', 100);
        expect([...text].length).toBeLessThanOrEqual(100);
        expect(text).toMatch(clear);
        expect(tidy(text, 'x', 100)).toEqual({ text, issues: [] });
        expect(fold(fold(raw))).toBe(fold(raw));
      }),
      runs,
    );
  });

  it('cleans telephone numbers once and for all', () => {
    fc.assert(
      fc.property(phones, countries, (raw, country) => {
        const once = cleanPhone(raw, country);
        const twice = cleanPhone(once.value, country);
        expect([twice.value, twice.key]).toEqual([once.value, once.key]);
        const wrong = once.issues.some(({ severity }) => severity === 'error');
        if (!wrong) expect(once.value).toMatch(/^\+[1-9]\d{4,16}$/);
      }),
      runs,
    );
  });

  it('cleans e-mail addresses once and for all', () => {
    fc.assert(
      fc.property(emails, (raw) => {
        const once = cleanEmail(raw);
        const twice = cleanEmail(once.value);
        expect([twice.value, twice.key]).toEqual([once.value, once.key]);
        if (!once.issues.some(({ code }) => code === 'email_syntax'))
          expect(once.value).toMatch(/^[!-~]+@[a-z0-9.-]+$/);
      }),
      runs,
    );
  });

  it('cleans names once and for all, and never to nothing', () => {
    fc.assert(
      fc.property(names, names, (givenName, familyName) => {
        const once = cleanPersonName({ givenName, familyName });
        expect(cleanPersonName(once.value).value).toEqual(once.value);
        expect(cleanPersonName(once.value).key).toBe(once.key);
        const before = tidy(givenName, '', 100).text + tidy(familyName, '', 100).text;
        expect(once.value.givenName + once.value.familyName === '').toBe(before === '');
        const full = cleanFullName(`${givenName} ${familyName}`);
        expect(cleanPersonName(full.value).value).toEqual(full.value);
      }),
      runs,
    );
  });

  it('cleans addresses once and for all', () => {
    fc.assert(
      fc.property(
        fc.array(lines, { maxLength: 7 }),
        lines,
        lines,
        countries,
        (all, locality, postalCode, countryCode) => {
          const once = cleanAddress({ lines: all, locality, region: '', postalCode, countryCode });
          const twice = cleanAddress(once.value);
          expect([twice.value, twice.key]).toEqual([once.value, once.key]);
        },
      ),
      runs,
    );
  });

  it('cleans identifiers once and for all', () => {
    const numbers = fc.oneof(hostile, like('0123456789X-/ ', 20));
    fc.assert(
      fc.property(numbers, schemes, countries, (value, scheme, country) => {
        const once = cleanIdentifier({ scheme, country, value });
        const twice = cleanIdentifier({ scheme, country, value: once.value });
        expect([twice.value, twice.key, twice.told]).toEqual([once.value, once.key, once.told]);
      }),
      runs,
    );
  });

  it('cleans parties once and for all, with a score between 0 and 100', () => {
    const point = fc.oneof(
      phones.map((value) => ({ $case: 'phone', value })),
      emails.map((value) => ({ $case: 'email', value })),
      fc
        .tuple(fc.array(lines, { maxLength: 3 }), lines, fc.constantFrom('CZ', 'CN', 'DE'))
        .map(([all, postalCode, countryCode]) => ({
          $case: 'postalAddress',
          value: { lines: all, postalCode, countryCode },
        })),
    );
    const identifier = fc.record({ kind: fc.integer({ min: 1, max: 6 }), value: hostile, countryCode: countries });
    const raw = fc.record({
      details: fc.oneof(
        fc.record({ $case: fc.constant('person'), value: fc.record({ givenName: names, familyName: names }) }),
        fc.record({
          $case: fc.constant('organisation'),
          value: fc.record({ legalName: names, registrationNumber: hostile }),
        }),
      ),
      contactPoints: fc.array(
        point.map((one) => ({ point: one })),
        { maxLength: 3 },
      ),
      identifiers: fc.array(identifier, { maxLength: 2 }),
    });
    fc.assert(
      fc.property(raw, countries, (fields, country) => {
        const once = cleanParty(Party.fromPartial(fields as object), { country }, '2026-01-01');
        const twice = cleanParty(once.party, { country }, '2026-01-01');
        expect(twice.party).toEqual(once.party);
        expect(once.quality.score).toBeGreaterThanOrEqual(0);
        expect(once.quality.score).toBeLessThanOrEqual(100);
      }),
      { numRuns: 300 },
    );
  });

  it('reads dates or says why not', () => {
    const texts = fc.oneof(hostile, like('0123456789-/. 年月日', 12));
    fc.assert(
      fc.property(texts, fc.constantFrom('dmy', 'mdy', undefined), (raw, order) => {
        const { value, key, issues } = cleanDate(raw, order);
        if (value) expect(cleanDate(key).value).toEqual(value);
        else expect(issues.length).toBeGreaterThan(0);
      }),
      runs,
    );
  });
});

const digits = (length: number) => like('0123456789', length).filter((text) => text.length === length);
const exactly = (characters: string, length: number) =>
  fc.array(fc.constantFrom(...characters), { minLength: length, maxLength: length }).map((all) => all.join(''));

/** Every number made with its check digits is valid, and no longer when any one digit of it is another. */
function expectOneErrorFound(made: fc.Arbitrary<string>, valid: (text: string) => boolean, fixed = 0): void {
  fc.assert(
    fc.property(made, fc.nat(), fc.integer({ min: 1, max: 9 }), (text, at, by) => {
      expect(valid(text)).toBe(true);
      const places = [...text].flatMap((character, index) => (index >= fixed && /\d/.test(character) ? [index] : []));
      const place = places[at % places.length] as number;
      const other = String((Number(text[place]) + by) % 10);
      expect(valid(text.slice(0, place) + other + text.slice(place + 1))).toBe(false);
    }),
    runs,
  );
}

describe('check digits find every single wrong digit', () => {
  it('of a Chinese resident number (GB 11643)', () => {
    const made = exactly('0123456789', 17).map((first) => first + residentDigit(first));
    expectOneErrorFound(made, (text) => residentDigit(text.slice(0, 17)) === text[17]);
  });
  it('of an IBAN (ISO 13616)', () => {
    const made = exactly('0123456789', 20).map((account) => ibanOf('CZ', account));
    expectOneErrorFound(made, ibanValid, 2);
    expectOneErrorFound(
      exactly('0123456789', 14).map((account) => ibanOf('GB', `NWBK${account}`)),
      ibanValid,
      2,
    );
  });
  it('of an LEI (ISO 17442)', () => {
    expectOneErrorFound(exactly('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ', 18).map(leiOf), leiValid);
  });
  it('of a card (Luhn)', () => {
    expectOneErrorFound(
      exactly('0123456789', 15).map((first) => first + luhnDigit(first)),
      luhnValid,
    );
  });
  it('of a Chinese social credit code (GB 32100)', () => {
    const made = digits(6).map((region) => {
      const first = `91${region}MA5K0123`.padEnd(17, '4');
      return first + socialCreditDigit(first);
    });
    expectOneErrorFound(made, socialCreditValid, 2);
  });
  it('of a Czech birth number, where the rest is not ten, and of a registration number', () => {
    const born = exactly('0123456789', 9).filter((first) => Number(first) % 11 < 10);
    expectOneErrorFound(
      born.map((first) => first + birthNumberDigit(first)),
      (text) => Number(text.slice(0, 9)) % 11 < 10 && birthNumberDigit(text.slice(0, 9)) === text[9],
    );
    fc.assert(
      fc.property(exactly('0123456789', 7), (first) => {
        expect(registrationDigit(first)).toMatch(/^\d$/);
      }),
    );
  });
});
