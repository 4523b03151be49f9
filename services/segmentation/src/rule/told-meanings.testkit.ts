// What customers do and earn, what they save for, and what they do in the app and on the web: the meaning of what rules ask
// of it, in plain TypeScript.
import { dayOf, endOf, type Meaning, occupations, type Person, utc } from './people.testkit.js';

const DAY = 86_400_000;
type Goal = Person['goals'][number];
const levels = ['early', 'primary', 'lower', 'upper', 'post', 'short', 'bachelor', 'master', 'doctoral'];

/** What was told of goals; of two things told of one goal for the same moment the later counts. */
function told({ goals }: Person): Goal[] {
  return [...new Map(goals.map((one) => [`${one.goal} ${one.at.getTime()}`, one])).values()];
}

/** The goals that are being saved for at the end of a day. */
function active(person: Person, asOf: number, kind?: string): Goal[] {
  const last = new Map<number, Goal>();
  for (const one of told(person)) {
    const known = last.get(one.goal);
    if (one.at.getTime() < endOf(asOf) && (!known || known.at.getTime() < one.at.getTime())) last.set(one.goal, one);
  }
  return [...last.values()].filter((one) => one.state === 'active' && (kind === undefined || one.kind === kind));
}

const within = (at: Date, asOf: number, days: number) =>
  at.getTime() < endOf(asOf) && at.getTime() >= endOf(asOf) - days * DAY;

export const toldNumbers: Meaning<number>[] = [
  { text: 'party.income', of: ({ income }) => (income === undefined ? undefined : income / 100) },
  {
    text: 'party.education_level',
    of: ({ education }) => (education === '' ? undefined : levels.indexOf(education)),
  },
  {
    text: 'goals.days_left()',
    of: (person, asOf) => {
      const due = active(person, asOf).flatMap((one) => (one.due >= asOf ? utc(one.due) - utc(asOf) : []));
      return due.length === 0 ? undefined : Math.min(...due);
    },
  },
  {
    text: 'goals.target("home")',
    of: (person, asOf) => active(person, asOf, 'home').reduce((sum, { cents }) => sum + cents, 0) / 100,
  },
  {
    text: 'goals.reached(duration("720h"))',
    of: (person, asOf) => {
      const reached = told(person).filter(({ state, at }) => state === 'reached' && within(at, asOf, 30));
      return new Set(reached.map(({ goal }) => goal)).size;
    },
  },
  {
    text: 'online.count({"kind": "page_view", "topic": "loan"}, duration("720h"))',
    of: ({ online }, asOf) =>
      online.filter(({ kind, topic, at }) => kind === 'page_view' && topic === 'loan' && within(at, asOf, 30)).length,
  },
  {
    text: 'online.distinct("topic", {"channel": "web"}, duration("720h"))',
    of: ({ online }, asOf) => {
      const seen = online.filter(({ channel, topic, at }) => channel === 'web' && topic !== '' && within(at, asOf, 30));
      return new Set(seen.map(({ topic }) => topic)).size;
    },
  },
  {
    text: 'online.distinct("day", duration("2160h"))',
    of: ({ online }, asOf) => new Set(online.filter(({ at }) => within(at, asOf, 90)).map(({ at }) => dayOf(at))).size,
  },
  {
    text: 'online.last_days("login")',
    of: ({ online }, asOf) => {
      const logins = online.filter(({ kind, at }) => kind === 'login' && at.getTime() < endOf(asOf));
      if (logins.length === 0) return undefined;
      return utc(asOf) - utc(dayOf(new Date(Math.max(...logins.map(({ at }) => at.getTime())))));
    },
  },
  {
    text: 'interaction.distinct("channel", {"direction": "inbound"}, duration("720h"))',
    of: ({ contacts }, asOf) =>
      new Set(contacts.filter(({ inbound, at }) => inbound && within(at, asOf, 30)).map(({ channel }) => channel)).size,
  },
  {
    text: 'sequence.days({"event": "online", "topic": "loan"}, {"event": "interaction", "channel": "phone"}, duration("720h"), duration("2160h"))',
    of: ({ online, contacts }, asOf) => {
      const calls = contacts.filter(({ channel, at }) => channel === 'phone' && within(at, asOf, 90));
      const days = online
        .filter(({ topic, at }) => topic === 'loan' && within(at, asOf, 90))
        .map(({ at }) => utc(dayOf(at)));
      const later = (day: number) => calls.some(({ at }) => utc(dayOf(at)) > day && utc(dayOf(at)) - day <= 30);
      return new Set(days.filter(later)).size;
    },
  },
];

export const toldTexts: { meaning: Meaning<string>; constants: string[]; prefixes: string[] }[] = [
  {
    meaning: { text: 'party.occupation', of: ({ occupation }) => occupations[occupation] || undefined },
    constants: ['professionals', 'elementary', 'managers'],
    prefixes: ['pro'],
  },
  {
    meaning: { text: 'party.occupation_code', of: ({ occupation }) => occupation || undefined },
    constants: ['2212', '9', '3'],
    prefixes: ['2', '22'],
  },
  {
    meaning: { text: 'party.education', of: ({ education }) => education || undefined },
    constants: ['primary', 'bachelor', 'doctoral', 'master'],
    prefixes: ['b'],
  },
];

export const toldFlags: Meaning<boolean>[] = [
  { text: 'goals.has()', of: (person, asOf) => active(person, asOf).length > 0 },
  { text: 'goals.has("home")', of: (person, asOf) => active(person, asOf, 'home').length > 0 },
];
