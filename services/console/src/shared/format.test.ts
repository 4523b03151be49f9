import {
  dayFromIso,
  decimalText,
  formatDay,
  formatMoney,
  formatTime,
  minorUnitsOf,
  idOf,
  isoDay,
  shortName,
} from './format.js';

describe('money', () => {
  it.each([
    ['123456', 2, '1234.56'],
    ['-5', 2, '-0.05'],
    ['0', 2, '0.00'],
    ['1234', 0, '1234'],
    ['90071992547409931', 2, '900719925474099.31'],
    ['1234', 3, '1.234'],
  ])('%s minor units with %d digits are %s', (minorUnits, digits, expected) => {
    expect(decimalText(minorUnits, digits)).toBe(expected);
  });

  it('keeps amounts exact that a number would round', () => {
    expect(formatMoney({ minorUnits: '90071992547409931', currencyCode: 'EUR' }, 'en')).toContain(
      '900,719,925,474,099.31',
    );
  });

  it('knows currencies without a minor unit', () => {
    expect(formatMoney({ minorUnits: '1500', currencyCode: 'JPY' }, 'en')).toMatch(/1,500$/);
  });
});

it('shows a day as it is, whatever the time zone', () => {
  expect(formatDay({ year: 1994, month: 3, day: 31 }, 'en')).toBe('31 Mar 1994');
  expect(formatDay({ year: 1994, month: 3, day: 31 }, 'zh')).toBe('1994年3月31日');
});

it('names the time zone of a moment', () => {
  expect(formatTime('2026-01-02T03:04:05Z', 'en')).toMatch(/2026.*(UTC|GMT|[A-Z]{3,4})/);
});

it('reads and writes days', () => {
  expect(isoDay({ year: 1994, month: 3, day: 1 })).toBe('1994-03-01');
  expect(dayFromIso('1994-03-01')).toEqual({ year: 1994, month: 3, day: 1 });
  expect(dayFromIso('yesterday')).toBeUndefined();
});

it('shortens names', () => {
  expect(shortName('staff/mara.manager')).toBe('mara.manager');
  expect(shortName('parties/0199-4444-5555-6666-aabbccddeeff')).toBe('…ccddeeff');
  expect(idOf('segments/savers@2')).toBe('savers@2');
});

it('reads an amount as it is typed, exactly', () => {
  expect(minorUnitsOf('1 234,5', 'EUR')).toBe('123450');
  expect(minorUnitsOf('20000', 'JPY')).toBe('20000');
  expect(minorUnitsOf('90071992547409.93', 'EUR')).toBe('9007199254740993');
  for (const text of ['', '-5', '1.234', '12 EUR', '1,2,3']) expect(minorUnitsOf(text, 'EUR')).toBeUndefined();
});
