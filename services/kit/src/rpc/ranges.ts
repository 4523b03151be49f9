import type { DescField, DescMessage } from '@bufbuild/protobuf';
import type { Violation } from './failure.js';

/**
 * What the well-known types say of their own fields, and no rule of a contract repeats: a time lies in the years 1 to
 * 9999, a duration below 10,000 years, a date has months and days of a calendar. Beyond that a Date of JavaScript is
 * invalid and Postgres takes no timestamp, so that one such value would be an internal error.
 */
const wellKnown: Readonly<Record<string, { holds(value: Fields): boolean; description: string }>> = {
  'google.protobuf.Timestamp': {
    holds: ({ seconds, nanos }) => within(seconds, -62_135_596_800, 253_402_300_799) && within(nanos, 0, 999_999_999),
    description: 'must be a time in the years 1 to 9999',
  },
  'google.protobuf.Duration': {
    holds: ({ seconds, nanos }) =>
      within(seconds, -315_576_000_000, 315_576_000_000) && within(nanos, -999_999_999, 999_999_999),
    description: 'must be a duration of at most 10,000 years',
  },
  'google.type.Date': {
    holds: ({ year, month, day }) => within(year, 0, 9999) && within(month, 0, 12) && within(day, 0, 31),
    description: 'must be a date in the years 1 to 9999',
  },
};

type Fields = Readonly<Record<string, unknown>>;
type Walk = (message: Fields, path: string, found: Violation[]) => void;

function within(value: unknown, least: number, most: number): boolean {
  const number = Number(value);
  return number >= least && number <= most;
}

/** Gives the walk through messages of a type to every value of such a type; undefined where there can be none. */
function walkOf(desc: DescMessage, known: Map<string, Walk | undefined>): Walk | undefined {
  const { typeName } = desc;
  if (known.has(typeName)) return known.get(typeName);
  const rule = wellKnown[typeName];
  if (rule) {
    const check: Walk = (message, path, found) => {
      if (!rule.holds(message)) found.push({ field: path, description: rule.description });
    };
    known.set(typeName, check);
    return check;
  }
  const steps: Walk[] = [];
  // Known before its fields are, for a type that holds itself.
  known.set(typeName, (message, path, found) => steps.forEach((step) => step(message, path, found)));
  for (const field of desc.fields) {
    const inner = field.message && walkOf(field.message, known);
    if (inner) steps.push(stepInto(field, inner));
  }
  if (steps.length === 0) known.set(typeName, undefined);
  return known.get(typeName);
}

function valueIn(message: Fields, field: DescField): unknown {
  if (!field.oneof) return message[field.localName];
  const chosen = message[field.oneof.localName] as { case?: string; value?: unknown } | undefined;
  return chosen?.case === field.localName ? chosen.value : undefined;
}

function stepInto(field: DescField, inner: Walk): Walk {
  return (message, path, found) => {
    const value = valueIn(message, field);
    if (value === undefined) return;
    const at = path === '' ? field.name : `${path}.${field.name}`;
    if (field.fieldKind === 'message') inner(value as Fields, at, found);
    else {
      const key = (one: string) => (field.fieldKind === 'map' ? JSON.stringify(one) : one);
      for (const [one, item] of Object.entries(value as object)) inner(item as Fields, `${at}[${key(one)}]`, found);
    }
  };
}

/** Gives the check of messages of a type: where their times, durations and dates lie outside of what these can be. */
export function rangesOf(desc: DescMessage): (message: object) => Violation[] {
  const walk = walkOf(desc, new Map());
  return (message) => {
    const found: Violation[] = [];
    walk?.(message as Fields, '', found);
    return found;
  };
}
