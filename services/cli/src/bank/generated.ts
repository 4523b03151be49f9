import type { Bank, HoldingRow, PartyRow, PlainDate, TransactionRow, UnitRow } from './bank.js';
import { livelihoodOf } from './livelihood.js';
import { staffOf } from './staff.js';
import { pick, synthesisePerson } from './synthesis.js';

/**
 * A bank made from a number: what a newcomer sees before any data of their own is imported. The same number of parties
 * gives the same bank on every machine and in every year; party N of a small bank is party N of a large one.
 */

const CURRENCY = 'EUR';
const FILE = 'generated';
const REGIONS = [
  { id: 'north', title: 'North', districts: ['Liberec', 'Teplice'] },
  { id: 'centre', title: 'Centre', districts: ['Praha', 'Kladno'] },
  { id: 'south', title: 'South', districts: ['Tabor', 'Pisek'] },
  { id: 'east', title: 'East', districts: ['Ostrava', 'Opava'] },
] as const;
const AS_OF: PlainDate = { year: 2026, month: 6, day: 30 };
const DAYS_OF_HISTORY = 180;

const CHINESE_FAMILY = ['王', '李', '张', '刘', '陈', '杨', '赵', '黄', '周', '吴', '徐', '孙', '胡', '朱', '高', '林'];
const CHINESE_GIVEN_FEMALE = ['秀英', '丽华', '静怡', '雅婷', '晓梅', '思琪', '雨桐', '佳慧'];
const CHINESE_GIVEN_MALE = ['建国', '志强', '伟杰', '浩然', '俊杰', '子轩', '明辉', '文博'];

function daysBefore(date: PlainDate, days: number): PlainDate {
  const moment = new Date(Date.UTC(date.year, date.month - 1, date.day - days));
  return { year: moment.getUTCFullYear(), month: moment.getUTCMonth() + 1, day: moment.getUTCDate() };
}

interface Seat {
  readonly region: string;
  readonly district: string;
  readonly branch: string;
  readonly organisationPath: string;
}

/** Makes the bank `id` with `parties` people (1 to 1,000,000); each has an account, some a loan, a card, a standing order. */
export function generateBank(id: string, parties: number): Bank {
  const seats: Seat[] = REGIONS.flatMap((region) =>
    region.districts.map((district, index) => ({
      region: region.title,
      district,
      branch: `${id}-${region.id}-${index + 1}`,
      organisationPath: `/${id}/${region.id}/${index + 1}`,
    })),
  );
  const units: UnitRow[] = [
    { id, title: id === 'demo' ? 'Demo bank' : `Bank ${id}`, kind: 'bank', organisationPath: `/${id}` },
    ...REGIONS.map(
      (region): UnitRow => ({
        id: `${id}-${region.id}`,
        title: region.title,
        kind: 'region',
        parent: id,
        organisationPath: `/${id}/${region.id}`,
      }),
    ),
    ...seats.map(
      (seat): UnitRow => ({
        id: seat.branch,
        title: seat.district,
        kind: 'branch',
        parent: seat.branch.replace(/-\d+$/, ''),
        organisationPath: seat.organisationPath,
      }),
    ),
  ];
  const staff = staffOf(id, units);
  const seatOf = (number: number): Seat => seats[pick(`${id}/${number}/seat`, seats.length)] as Seat;
  const draw = (number: number, what: string, below: number): number => pick(`${id}/${number}/${what}`, below);

  async function* people(): AsyncGenerator<PartyRow> {
    for (let number = 1; number <= parties; number += 1) {
      const seat = seatOf(number);
      const sex = draw(number, 'sex', 2) === 0 ? 'male' : 'female';
      const managers = staff.filter((one) => one.unit === seat.branch && one.roles.includes('relationship_manager'));
      const person = synthesisePerson(id, `client/${number}`, number, sex);
      const chinese = person.language === 'zh' && {
        givenName: (sex === 'male' ? CHINESE_GIVEN_MALE : CHINESE_GIVEN_FEMALE)[draw(number, 'given', 8)] as string,
        familyName: CHINESE_FAMILY[draw(number, 'family', 16)] as string,
      };
      const bornIn = 1940 + draw(number, 'year', 68);
      const livelihood = livelihoodOf((what, below) => draw(number, what, below), bornIn, AS_OF, CURRENCY);
      yield {
        ...person,
        ...chinese,
        ...(livelihood && { livelihood }),
        file: FILE,
        line: number,
        sourceKey: `client/${number}`,
        sex,
        birthDate: {
          year: bornIn,
          month: 1 + draw(number, 'month', 12),
          day: 1 + draw(number, 'day', 28),
        },
        region: seat.region,
        district: seat.district,
        branch: seat.branch,
        organisationPath: seat.organisationPath,
        relationshipManager: managers[draw(number, 'manager', Math.max(1, managers.length))]?.id ?? '',
        city: seat.district,
        country: 'CZ',
        timeZone: 'Europe/Prague',
      };
    }
  }

  async function* holdings(): AsyncGenerator<HoldingRow> {
    for (let number = 1; number <= parties; number += 1) {
      const common = { file: FILE, line: number, currency: CURRENCY };
      const owner = { partyKey: `client/${number}`, role: 'owner' as const };
      const openedOn = daysBefore(AS_OF, DAYS_OF_HISTORY + draw(number, 'opened', 3_000));
      const joint = number > 1 && draw(number, 'joint', 10) === 0;
      yield {
        ...common,
        sourceKey: `account/${number}`,
        kind: 'account',
        openedOn,
        owners: joint ? [owner, { partyKey: `client/${number - 1}`, role: 'authorised_user' }] : [owner],
        account: { statementFrequency: 'monthly' },
      };
      if (draw(number, 'loan', 5) === 0) {
        const payment = BigInt(5_000 + draw(number, 'payment', 40_000));
        const months = 12 * (1 + draw(number, 'months', 5));
        yield {
          ...common,
          sourceKey: `loan/${number}`,
          kind: 'loan',
          openedOn: daysBefore(AS_OF, draw(number, 'lent', 900)),
          owners: [owner],
          loan: {
            amountMinor: payment * BigInt(months),
            durationMonths: months,
            paymentMinor: payment,
            status: 'running',
          },
        };
      }
      if (draw(number, 'card', 3) === 0) {
        yield {
          ...common,
          sourceKey: `card/${number}`,
          kind: 'card',
          openedOn: daysBefore(AS_OF, draw(number, 'issued', 900)),
          owners: [owner],
          card: { type: draw(number, 'gold', 10) === 0 ? 'gold' : 'classic' },
        };
      }
      if (draw(number, 'order', 2) === 0) {
        yield {
          ...common,
          sourceKey: `order/${number}`,
          kind: 'standing_order',
          owners: [owner],
          standingOrder: {
            amountMinor: BigInt(10_000 + draw(number, 'rent', 90_000)),
            counterpartyAccount: String(10_000_000 + draw(number, 'partner', 89_999_999)),
            counterpartyBank: 'AB',
            purpose: 'household_payment',
          },
        };
      }
    }
  }

  /** By day, as a core bank books them: each month a salary, a withdrawal, a card payment and the fee. */
  async function* transactions(): AsyncGenerator<TransactionRow> {
    const balances = new Map<number, bigint>();
    let line = 0;
    for (let ago = DAYS_OF_HISTORY; ago >= 0; ago -= 1) {
      const bookedOn = daysBefore(AS_OF, ago);
      for (let number = 1; number <= parties; number += 1) {
        const place = (ago + number) % 30;
        const booking = bookingAt(place, number, ago, draw);
        if (!booking) continue;
        line += 1;
        const before = balances.get(number) ?? 0n;
        const balanceAfterMinor =
          before + (booking.direction === 'credit' ? booking.amountMinor : -booking.amountMinor);
        balances.set(number, balanceAfterMinor);
        yield {
          ...booking,
          file: FILE,
          line,
          sourceKey: `trans/${number}/${ago}`,
          holdingKey: `account/${number}`,
          balanceAfterMinor,
          currency: CURRENCY,
          bookedOn,
          sequence: 1,
          counterpartyAccount: '',
          counterpartyBank: '',
        };
      }
    }
  }

  return {
    id,
    title: units[0]?.title ?? id,
    currency: CURRENCY,
    timeZone: 'Europe/Prague',
    asOf: AS_OF,
    units,
    staff,
    rejects: [],
    parties: people,
    holdings,
    transactions,
  };
}

type Booking = Pick<TransactionRow, 'direction' | 'amountMinor' | 'kind' | 'purpose'>;

function bookingAt(
  place: number,
  number: number,
  ago: number,
  draw: (number: number, what: string, below: number) => number,
): Booking | undefined {
  const salary = 90_000 + draw(number, 'salary', 300_000);
  switch (place) {
    case 0:
      return { direction: 'credit', amountMinor: BigInt(salary), kind: 'transfer', purpose: '' };
    case 4:
      return { direction: 'debit', amountMinor: BigInt(1 + Math.floor(salary / 4)), kind: 'withdrawal', purpose: '' };
    case 11:
      return {
        direction: 'debit',
        amountMinor: BigInt(1_000 + draw(number, `card/${ago}`, 30_000)),
        kind: 'card',
        purpose: '',
      };
    case 19:
      return { direction: 'debit', amountMinor: 350n, kind: 'fee', purpose: 'statement_fee' };
    default:
      return undefined;
  }
}
