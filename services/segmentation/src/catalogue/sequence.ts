import {
  type ArgumentSpec,
  type Arguments,
  type AttributeSpec,
  type Columns,
  dayBehind,
  each,
  type FilterKey,
  type Filter,
  filterOf,
  filterWords,
  lengthOf,
  lengthWords,
  type Source,
  window,
  windowWords,
} from './attribute.js';
import { contactsSince, departureKeys, departures, departuresIn, interactionKeys, interactions } from './contact.js';
import { openedIn, owned } from './holdings.js';
import { done, doneKeys } from './online.js';
import { lifeEvents, lifeEventsIn } from './portrait.js';
import { booked, transactionKeys, transactionsIn } from './tx.js';

const DAY_MS = 86_400_000;

/** What a sequence may be made of: where it is found, on which day each happened, and what it may be asked for by. */
const happenings: Readonly<
  Record<
    string,
    {
      source: Source;
      keys: readonly string[];
      day(sql: Columns): string;
      within(filter: Filter, windowMs: number, sql: Columns): string;
    }
  >
> = {
  transaction: {
    source: booked,
    keys: Object.keys(transactionKeys),
    day: () => 'booking_date',
    within: (filter, windowMs, sql) => transactionsIn(filter, windowMs, 0, sql),
  },
  interaction: {
    source: interactions,
    keys: Object.keys(interactionKeys),
    day: (sql) => `toInt32(${sql.dayOf('time')})`,
    within: (filter, windowMs, sql) => contactsSince(filter, windowMs, sql),
  },
  online: {
    source: done,
    keys: Object.keys(doneKeys),
    day: (sql) => `toInt32(${sql.dayOf('time')})`,
    within: (filter, windowMs, sql) => contactsSince(filter, windowMs, sql),
  },
  behaviour_change: {
    source: departures,
    keys: Object.keys(departureKeys),
    day: () => 'notice_date',
    within: departuresIn,
  },
  holding_opened: {
    source: owned,
    keys: ['kind'],
    day: () => 'opened_date',
    within: ({ kind = [] }, windowMs, sql) => openedIn(String(kind), windowMs, sql),
  },
  life_event: {
    source: lifeEvents,
    keys: ['kind'],
    day: () => 'start_date',
    within: ({ kind = [] }, windowMs, sql) => lifeEventsIn(String(kind), windowMs, sql),
  },
};

/** Which happening a map is about, and what else it asks for. */
function asked(args: Arguments, name: string): { event: string; filter: Filter } {
  const { event, ...filter } = filterOf(args, name);
  return { event: String(event ?? 'transaction'), filter };
}

/** The words that a key may have for a happening; undefined: any. */
const wordsFor: Readonly<Record<string, Readonly<Record<string, FilterKey>>>> = {
  transaction: transactionKeys,
  interaction: interactionKeys,
  online: doneKeys,
  behaviour_change: departureKeys,
};

/** What a map asks for, with each word as what it stands for. */
function filterFor(event: string, filter: Filter): Filter {
  const entries = Object.entries(filter).map(([key, value]): [string, readonly string[] | number] => {
    const words = wordsFor[event]?.[key]?.values;
    return [key, words && typeof value !== 'number' ? value.flatMap((word) => words[word] ?? [word]) : value];
  });
  return Object.fromEntries(entries);
}

/** The days on which it happened, each once. */
function daysOf(args: Arguments, name: string, sql: Columns): string {
  const { event, filter } = asked(args, name);
  const happening = happenings[event];
  if (!happening) throw new Error(`nothing is called ${event}`);
  const { source, day, within } = happening;
  const condition = within(filterFor(event, filter), lengthOf(args, 'window'), sql);
  return sql.from(source, `groupUniqArrayIf(toInt32(YYYYMMDDToDate32(${day(sql)})), ${condition})`);
}

function happening(name: string, description: AttributeSpec['description']): ArgumentSpec {
  return {
    name,
    type: 'filter',
    short: 'event',
    keys: {
      event: { values: each(Object.keys(happenings)) },
      ...transactionKeys,
      // What each of them may be is as wide as for any happening; which goes with which is looked at as a whole.
      direction: {},
      channel: {},
      kind: {},
      measure: {},
      code: {},
      topic: {},
    },
    description,
  };
}

function faultOf(args: Arguments, name: string): string | undefined {
  const { event, filter } = asked(args, name);
  const keys = happenings[event]?.keys ?? [];
  for (const [key, value] of Object.entries(filter)) {
    if (!keys.includes(key)) return `The ${event} is asked for by ${keys.join(', ')}, not by ${key}.`;
    const words = wordsFor[event]?.[key]?.values;
    const wrong = words && Array.isArray(value) ? value.find((word) => !words[word]) : undefined;
    if (wrong !== undefined) return `The ${key} of the ${event} is one of ${Object.keys(words ?? {}).join(', ')}.`;
  }
  return undefined;
}

function eventWords(args: Arguments, name: string): string {
  const { event, filter } = asked(args, name);
  return `${event.replaceAll('_', ' ')}${filterWords(filter)}`;
}

/** One thing after another. */
export const sequenceAttributes: readonly AttributeSpec[] = [
  {
    key: 'sequence.days',
    type: 'number',
    unit: { en: 'days', zh: '天' },
    title: { en: 'One thing after another', zh: '先后发生' },
    description: {
      en: 'On how many days of the window the first thing happened and the other followed on a later day, no longer after than said. Days count, not hours: sequence.days({"kind": "transfer_in"}, {"kind": "cash_withdrawal"}, duration("72h"), duration("2160h")) >= 1.',
      zh: '时间窗内有多少天先发生了第一件事，并在之后某天（不超过所给时间）发生了另一件事。按天计，不按小时：sequence.days({"kind": "transfer_in"}, {"kind": "cash_withdrawal"}, duration("72h"), duration("2160h")) >= 1。',
    },
    sensitivity: 'C2',
    range: { least: 0 },
    dated: true,
    sources: [
      'rapport.customer.v1.TransactionBooked',
      'rapport.customer.v1.InteractionRecorded',
      'rapport.customer.v1.BehaviourChanged',
      'rapport.customer.v1.HoldingOpened',
      'rapport.customer.v1.LifeEventRecorded',
    ],
    arguments: [
      happening('first', {
        en: 'What came first: a map with "event" (transaction, interaction, behaviour_change, holding_opened, life_event; left out, transaction) and what that is asked for by.',
        zh: '先发生的事：映射，其中 "event" 为 transaction、interaction、behaviour_change、holding_opened、life_event（省略则为 transaction），以及相应的筛选键。',
      }),
      happening('next', { en: 'What followed, written in the same way.', zh: '随后发生的事，写法相同。' }),
      {
        name: 'within',
        type: 'duration',
        description: { en: 'How long after at most, whole days.', zh: '最多相隔多久，按整天计。' },
      },
      window,
    ],
    fault: (args) => {
      if (lengthOf(args, 'within') < DAY_MS) return 'Days are counted: the time between is at least duration("24h").';
      return faultOf(args, 'first') ?? faultOf(args, 'next');
    },
    column: (args, sql) => {
      const most = sql.bind(Math.floor(lengthOf(args, 'within') / DAY_MS), 'Int32');
      const [first, then] = [daysOf(args, 'first', sql), daysOf(args, 'next', sql)];
      const followed = `arrayExists(b -> b > a AND b - a <= ${most}, ${then})`;
      return { sql: `length(arrayFilter(a -> ${followed}, ${first}))`, nullable: false };
    },
    comesFrom: (args, sql) => {
      const most = sql.bind(Math.floor(lengthOf(args, 'within') / DAY_MS), 'Int32');
      const [first, then] = [daysOf(args, 'first', sql), daysOf(args, 'then', sql)];
      // Days here count from 1970; what is 0 is none.
      const began = `arrayMax(arrayFilter(a -> arrayExists(b -> b > a AND b - a <= ${most}, ${then}), ${first}))`;
      const followed = `arrayMin(arrayFilter(b -> b > ${began} AND b - ${began} <= ${most}, ${then}))`;
      const day = (days: string) => `if(${began} = 0, 0, toYYYYMMDD(toDate32(${days})))`;
      return [
        dayBehind('last of the first on', '最近一次前者', day(began)),
        dayBehind('followed on', '随后发生于', day(followed)),
      ];
    },
    words: (args) =>
      `number of days with ${eventWords(args, 'first')} and then ${eventWords(args, 'next')} within ${lengthWords(lengthOf(args, 'within'))}, in the ${windowWords(lengthOf(args, 'window'))}`,
  },
];
