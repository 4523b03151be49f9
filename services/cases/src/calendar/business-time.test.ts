import fc from 'fast-check';
import {
  addBusinessTime,
  type BusinessHours,
  businessHours,
  businessTimeBetween,
  isTimeZone,
} from './business-time.js';

const HOUR = 3_600_000;
const MINUTE = 60_000;
const at = (text: string) => new Date(text);
const weekdays = [1, 2, 3, 4, 5].map((weekday) => ({ weekday, open: 540, close: 1020 }));
const prague = businessHours('Europe/Prague', weekdays, ['2024-12-24', '2024-12-25', '2024-12-26']);

/** Zones with every kind of change: none, an hour, half an hour, at midnight, a day that does not exist. */
const zones = [
  'UTC',
  'Europe/Prague',
  'America/New_York',
  'Australia/Lord_Howe',
  'America/Sao_Paulo',
  'Africa/Cairo',
  'Asia/Kathmandu',
  'Pacific/Apia',
];

/** A calendar with hours at any minute, so also in those that clocks skip or repeat. */
const calendar: fc.Arbitrary<BusinessHours> = fc
  .record({
    zone: fc.constantFrom(...zones),
    days: fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 7 }),
    cuts: fc.uniqueArray(fc.integer({ min: 0, max: 1440 }), { minLength: 2, maxLength: 6 }),
    holidays: fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 20 }),
  })
  .map(({ zone, days, cuts, holidays }) => {
    const sorted = [...cuts].sort((a, b) => a - b);
    const ranges = sorted.flatMap((open, index) => {
      const close = sorted[index + 1];
      return index % 2 === 0 && close !== undefined ? [{ open, close }] : [];
    });
    return businessHours(
      zone,
      days.flatMap((weekday) => ranges.map((range) => ({ weekday, ...range }))),
      holidays.map((day) => new Date(day * 24 * HOUR).toISOString().slice(0, 10)),
    );
  });
/** From 1990 to 2030, often near a change of clocks somewhere. */
const changes = [
  '2011-12-29T10:00Z',
  '2016-03-27T01:00Z',
  '2016-10-30T01:00Z',
  '2018-11-04T03:00Z',
  '2024-04-26T00:00Z',
];
const moment = fc.oneof(
  fc.date({ min: at('1990-01-01T00:00Z'), max: at('2030-01-01T00:00Z'), noInvalidDate: true }),
  fc
    .tuple(fc.constantFrom(...changes), fc.integer({ min: -30 * HOUR, max: 30 * HOUR }))
    .map(([near, off]) => new Date(at(near).getTime() + off)),
);
const duration = fc.integer({ min: 0, max: 200 * HOUR });

function inside(hours: BusinessHours, time: Date): boolean {
  const day = hours.dayOf(time.getTime());
  return [day - 1, day, day + 1]
    .flatMap((one) => [...hours.openOn(one)])
    .some(([open, close]) => open <= time.getTime() && time.getTime() <= close);
}

test('a later start never gives an earlier end', () => {
  fc.assert(
    fc.property(calendar, moment, fc.integer({ min: 0, max: 40 * HOUR }), duration, (hours, start, later, length) => {
      const end = addBusinessTime(hours, start, length);
      const endOfLater = addBusinessTime(hours, new Date(start.getTime() + later), length);
      expect(endOfLater.getTime()).toBeGreaterThanOrEqual(end.getTime());
    }),
  );
});

test('a longer time never ends earlier, and no end lies before its start', () => {
  fc.assert(
    fc.property(calendar, moment, duration, duration, (hours, start, one, more) => {
      const end = addBusinessTime(hours, start, one);
      expect(end.getTime()).toBeGreaterThanOrEqual(start.getTime());
      expect(addBusinessTime(hours, start, one + more).getTime()).toBeGreaterThanOrEqual(end.getTime());
    }),
  );
});

test('counting in two parts gives what counting at once does', () => {
  fc.assert(
    fc.property(calendar, moment, duration, duration, (hours, start, one, two) => {
      const split = addBusinessTime(hours, addBusinessTime(hours, start, one), two);
      const whole = addBusinessTime(hours, start, one + two);
      // A first part of nothing waits for the opening; a second part of nothing stays where the first ended.
      expect(split).toEqual(whole);
    }),
  );
});

test('the end lies inside opening hours', () => {
  fc.assert(
    fc.property(calendar, moment, duration, (hours, start, length) => {
      expect(inside(hours, addBusinessTime(hours, start, length))).toBe(true);
    }),
  );
});

test('the business time between a start and its end is what was added', () => {
  fc.assert(
    fc.property(calendar, moment, duration, (hours, start, length) => {
      expect(businessTimeBetween(hours, start, addBusinessTime(hours, start, length))).toBe(length);
    }),
  );
});

test('stretches of opening hours follow each other without overlap, whatever the clocks do', () => {
  fc.assert(
    fc.property(calendar, moment, (hours, start) => {
      const day = hours.dayOf(start.getTime());
      const stretches = [day - 2, day - 1, day, day + 1, day + 2].flatMap((one) => [...hours.openOn(one)]);
      for (const [index, [open, close]] of stretches.entries()) {
        expect(close).toBeGreaterThan(open);
        expect(open).toBeGreaterThanOrEqual(stretches[index - 1]?.[1] ?? open);
      }
    }),
  );
});

test.each([
  ['within a day', '2024-05-14T08:00:00Z', 2 * HOUR, '2024-05-14T10:00:00Z'],
  ['exactly to the closing', '2024-05-14T07:00:00Z', 8 * HOUR, '2024-05-14T15:00:00Z'],
  ['a millisecond over the closing', '2024-05-14T07:00:00Z', 8 * HOUR + 1, '2024-05-15T07:00:00.001Z'],
  ['over a weekend', '2024-05-17T14:30:00Z', HOUR, '2024-05-20T07:30:00Z'],
  ['received at night', '2024-05-14T20:00:00Z', HOUR, '2024-05-15T08:00:00Z'],
  ['over holidays', '2024-12-23T15:00:00Z', 2 * HOUR, '2024-12-27T09:00:00Z'],
  ['nothing, in opening hours', '2024-05-14T08:00:00Z', 0, '2024-05-14T08:00:00Z'],
  ['nothing, on a Sunday', '2024-05-19T08:00:00Z', 0, '2024-05-20T07:00:00Z'],
  ['over the Sunday when clocks go forward', '2024-03-29T15:00:00Z', 2 * HOUR, '2024-04-01T08:00:00Z'],
  ['over the Sunday when clocks go back', '2024-10-25T14:00:00Z', 2 * HOUR, '2024-10-28T09:00:00Z'],
])('adds business time %s', (_what, start, length, end) => {
  expect(addBusinessTime(prague, at(start), length)).toEqual(at(end));
});

test('hours that the clock skips are no hours, and those it repeats count twice', () => {
  const nights = businessHours('Europe/Prague', [{ weekday: 7, open: 60, close: 240 }], []);
  const night = (sunday: string) => {
    const start = new Date(at(`${sunday}T00:00:00Z`).getTime() - 6 * HOUR);
    return businessTimeBetween(nights, start, new Date(start.getTime() + 24 * HOUR));
  };
  expect(night('2024-05-19')).toBe(3 * HOUR);
  expect(night('2024-03-31')).toBe(2 * HOUR);
  expect(night('2024-10-27')).toBe(4 * HOUR);
});

test('a range that lies wholly in the skipped hour is closed that day', () => {
  const skipped = businessHours('Europe/Prague', [{ weekday: 7, open: 135, close: 165 }], []);
  expect(skipped.openOn(skipped.dayOf(at('2024-03-31T00:30:00Z').getTime()))).toEqual([]);
  expect(addBusinessTime(skipped, at('2024-03-30T12:00:00Z'), 10 * MINUTE)).toEqual(at('2024-04-07T00:25:00Z'));
});

test('a day that a country left out has no hours', () => {
  // Samoa went from 29 to 31 December 2011.
  const apia = businessHours('Pacific/Apia', [{ weekday: 5, open: 540, close: 1020 }], []);
  const friday = Date.UTC(2011, 11, 30) / (24 * HOUR);
  expect(apia.openOn(friday)).toEqual([]);
  expect(apia.openOn(friday + 7)).toHaveLength(1);
});

test('knows time zones from words', () => {
  expect(isTimeZone('Europe/Prague')).toBe(true);
  expect(isTimeZone('Europe/Nowhere')).toBe(false);
  expect(isTimeZone('')).toBe(false);
});
