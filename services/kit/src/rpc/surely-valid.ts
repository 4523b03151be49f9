import {
  type DescField,
  type DescMessage,
  type DescOneof,
  getExtension,
  hasExtension,
  type Registry,
  ScalarType,
} from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import { FeatureSet_FieldPresence } from '@bufbuild/protobuf/wkt';

/** Whether an encoded message surely keeps the rules of its type; `false` says nothing. */
export type SurelyValid = (bytes: Uint8Array) => boolean;

const never: SurelyValid = () => false;

const VARINT = 0;
const LENGTH_DELIMITED = 2;

const IGNORE_IF_ZERO_VALUE = 1;
const IGNORE_ALWAYS = 3;

/** The rules that are set, by their proto names, those of a kind (`string`, `int32` …) by theirs. */
interface Rules {
  kind: string;
  /** undefined when it says something that is not understood here. */
  set: ReadonlyMap<string, unknown> | undefined;
  ignore: number;
}

function rulesOf(field: DescField, registry: Registry): Rules {
  const none: Rules = { kind: '', set: new Map(), ignore: 0 };
  const { options } = field.proto;
  const extension = registry.getExtension('buf.validate.field');
  if (!options || !extension?.message || !hasExtension(options, extension)) return none;
  const rules = reflect(extension.message, getExtension(options, extension) as never);
  const found = { ...none };
  for (const rule of extension.message.fields) {
    if (!rules.isSet(rule)) continue;
    if (rule.name === 'ignore') found.ignore = rules.get(rule) as number;
    else if (rule.fieldKind !== 'message' || found.kind !== '') return { ...found, set: undefined };
    else {
      found.kind = rule.name;
      const inner = rules.get(rule);
      const set = new Map<string, unknown>();
      for (const one of rule.message.fields) if (inner.isSet(one)) set.set(one.name, inner.get(one));
      found.set = inner.getUnknown()?.length ? undefined : set;
    }
  }
  if (rules.getUnknown()?.length) found.set = undefined;
  return found;
}

/** Says whether a number, below 2^28 and not negative, keeps the rules; undefined for rules that it cannot judge. */
function numberCheck(field: DescField, set: ReadonlyMap<string, unknown>): ((value: number) => boolean) | undefined {
  if (field.fieldKind === 'enum') {
    const defined = new Set(field.enum.values.map((value) => value.number));
    if ([...set.keys()].some((name) => name !== 'defined_only')) return undefined;
    return set.get('defined_only') === true ? (value) => defined.has(value) : () => true;
  }
  if (field.scalar === ScalarType.BOOL) return set.size === 0 ? (value) => value <= 1 : undefined;
  let least = Number.NEGATIVE_INFINITY;
  let most = Number.POSITIVE_INFINITY;
  for (const [name, bound] of set) {
    const limit = Number(bound);
    if (!Number.isSafeInteger(limit)) return undefined;
    if (name === 'gte') least = limit;
    else if (name === 'gt') least = limit + 1;
    else if (name === 'lte') most = limit;
    else if (name === 'lt') most = limit - 1;
    else return undefined;
  }
  // Bounds the wrong way round mean what lies outside of them.
  return least <= most ? (value) => value >= least && value <= most : undefined;
}

/**
 * Patterns that mean the same to RE2 and to JavaScript and that no text can make slow: literal characters and classes of
 * them, each perhaps with a count, from the beginning to the end.
 */
const plainPattern = /^\^(?:(?:[A-Za-z0-9/@_:-]|\[[A-Za-z0-9_./:@-]+\])(?:\{\d+(?:,\d+)?\}|[?*+])?)+\$$/;
const MOST_CHARACTERS = 2000;

function textCheck(set: ReadonlyMap<string, unknown>): ((text: string) => boolean) | undefined {
  let least = 0;
  let most = MOST_CHARACTERS;
  const patterns: RegExp[] = [];
  for (const [name, rule] of set) {
    if (name === 'min_len') least = Number(rule);
    else if (name === 'max_len') most = Math.min(Number(rule), MOST_CHARACTERS);
    else if (name === 'uuid' && rule === true) patterns.push(/^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/);
    else if (name === 'pattern' && plainPattern.test(String(rule))) patterns.push(new RegExp(String(rule)));
    else return undefined;
  }
  return (text) => text.length >= least && text.length <= most && patterns.every((pattern) => pattern.test(text));
}

interface Judged {
  wireType: number;
  /** Of a varint, its value; of a text in ASCII, the text. */
  keeps(value: number | string): boolean;
  /** The rules hold for a field that is not there. */
  absent: boolean;
}

const integers: readonly (ScalarType | undefined)[] = [
  ScalarType.INT32,
  ScalarType.UINT32,
  ScalarType.INT64,
  ScalarType.UINT64,
  ScalarType.BOOL,
];

/** How one field is judged; undefined for one that makes a message unsure when it is there. */
function judgedOf(field: DescField, { set, ignore }: Rules): Judged | undefined {
  if (!set) return undefined;
  const rules = ignore === IGNORE_ALWAYS ? new Map<string, unknown>() : set;
  const text = field.fieldKind === 'scalar' && field.scalar === ScalarType.STRING;
  const number = field.fieldKind === 'enum' || (field.fieldKind === 'scalar' && integers.includes(field.scalar));
  if (!text && !number) return undefined;
  const check = (text ? textCheck(rules) : numberCheck(field, rules)) as Judged['keeps'] | undefined;
  if (!check) return undefined;
  const zero = text ? '' : 0;
  const keeps: Judged['keeps'] = ignore === IGNORE_IF_ZERO_VALUE ? (value) => value === zero || check(value) : check;
  const implicit = field.presence === FeatureSet_FieldPresence.IMPLICIT;
  return { wireType: text ? LENGTH_DELIMITED : VARINT, keeps, absent: !implicit || keeps(zero) };
}

/** Whether a field of which nothing was sent keeps its rules, where the field itself is not judged. */
function mayBeAbsent(field: DescField, { kind, set }: Rules): boolean {
  if (!set) return false;
  if (field.fieldKind === 'list')
    return [...set.keys()].every((name) => ['max_items', 'items', 'unique'].includes(name));
  if (field.fieldKind === 'map') return [...set.keys()].every((name) => ['max_pairs', 'keys', 'values'].includes(name));
  return kind === '' || field.presence !== FeatureSet_FieldPresence.IMPLICIT;
}

function hasRules(of: DescMessage | DescOneof, extensionName: string, registry: Registry): boolean {
  const extension = registry.getExtension(extensionName);
  return extension !== undefined && of.proto.options !== undefined && hasExtension(of.proto.options, extension);
}

/** The text of bytes that are ASCII; put together by characters it would be a chain of as many strings. */
function latin1(bytes: Uint8Array, from: number, until: number): string {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return buffer.toString('latin1', from, until);
}

/**
 * Makes the quick check of the messages of a type. It reads the bytes themselves and is sure of what most reads send: a
 * few texts in ASCII, numbers and enums, each at most once, with rules about length, range, pattern and definedness.
 * Of everything else (other rules, nested messages, lists, unknown fields, strange encodings) it is not sure, and the
 * caller asks protovalidate, which takes ten times as long.
 */
export function surelyValid(desc: DescMessage, registry: Registry): SurelyValid {
  if (hasRules(desc, 'buf.validate.message', registry)) return never;
  if (desc.oneofs.some((oneof) => hasRules(oneof, 'buf.validate.oneof', registry))) return never;
  const judged = new Map<number, Judged & { bit: number }>();
  let needed = 0;
  for (const field of desc.fields) {
    const rules = rulesOf(field, registry);
    const one = judgedOf(field, rules);
    if (!one && !mayBeAbsent(field, rules)) return never;
    if (!one || field.oneof || judged.size === 30) {
      if (one && !one.absent) return never;
      continue;
    }
    const bit = 1 << judged.size;
    judged.set(field.number, { ...one, bit });
    if (!one.absent) needed |= bit;
  }

  return (bytes) => {
    const end = bytes.length;
    let at = 0;
    let seen = 0;
    /** The next number of at most 28 bits; -1 for any other. */
    const varint = (): number => {
      let value = 0;
      for (let shift = 0; shift < 28 && at < end; shift += 7) {
        const byte = bytes[at++] as number;
        value |= (byte & 0x7f) << shift;
        if (byte < 0x80) return value;
      }
      return -1;
    };
    while (at < end) {
      const tag = varint();
      const field = judged.get(tag >>> 3);
      if (tag < 0 || !field || (tag & 7) !== field.wireType || (seen & field.bit) !== 0) return false;
      seen |= field.bit;
      const number = varint();
      if (number < 0) return false;
      if (field.wireType === VARINT) {
        if (!field.keeps(number)) return false;
        continue;
      }
      const until = at + number;
      if (until > end || number > MOST_CHARACTERS) return false;
      const from = at;
      for (; at < until; at += 1) if ((bytes[at] as number) >= 0x80) return false;
      if (!field.keeps(latin1(bytes, from, until))) return false;
    }
    return (seen & needed) === needed;
  };
}
