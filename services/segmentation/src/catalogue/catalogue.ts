import {
  type Attribute,
  type AttributeArgument,
  AttributeFreshness,
  AttributeType,
} from '@rapport/proto/segmentation/v1';
import { DataClass } from '@rapport/proto/type/v1';
import type { ArgumentSpec, AttributeSpec, ValueType } from './attribute.js';
import { consentAttributes } from './consent.js';
import { contactAttributes } from './contact.js';
import { goalAttributes } from './goals.js';
import { groupAttributes } from './groups.js';
import { holdingAttributes } from './holdings.js';
import { householdAttributes } from './household.js';
import { onlineAttributes } from './online.js';
import { partyAttributes } from './party.js';
import { portraitAttributes } from './portrait.js';
import { sequenceAttributes } from './sequence.js';
import { transactionAttributes } from './tx.js';

export type {
  Argument,
  Arguments,
  ArgumentSpec,
  AttributeSpec,
  Column,
  Columns,
  Filter,
  Source,
  ValueSource,
  ValueType,
} from './attribute.js';

/** What the service knows by itself. */
const own: readonly AttributeSpec[] = [
  ...consentAttributes,
  ...contactAttributes,
  ...goalAttributes,
  ...onlineAttributes,
  ...householdAttributes,
  ...portraitAttributes,
  ...sequenceAttributes,
  ...holdingAttributes,
  ...partyAttributes,
  ...transactionAttributes,
  ...groupAttributes,
];

let byKey: ReadonlyMap<string, AttributeSpec> = new Map(own.map((spec) => [spec.key, spec]));

/**
 * Adds what the bank declares to what the service knows by itself, in place of what was declared before. For the start
 * of a process: rules that were read keep the attributes that they found.
 */
export function declareAttributes(declared: readonly AttributeSpec[]): void {
  byKey = new Map([...own, ...declared].map((spec) => [spec.key, spec]));
}

/** Every attribute, by key. A comparison with a missing value is false, `!=` too. */
export function attributes(): AttributeSpec[] {
  return [...byKey.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** The attribute of that key. */
export function findAttribute(key: string): AttributeSpec | undefined {
  return byKey.get(key);
}

/** Whether a word begins the key of an attribute, as `party` does. */
export function isPrefix(word: string): boolean {
  return [...byKey.keys()].some((key) => key.startsWith(`${word}.`));
}

/** The declared value behind a constant, whatever its case or spelling; undefined when it is none. */
export function declaredValue(spec: AttributeSpec, constant: string): string | undefined {
  const wanted = constant.toLowerCase();
  return Object.entries(spec.values ?? {}).find(
    ([value, spellings]) => value === wanted || spellings.includes(wanted),
  )?.[0];
}

const types: Readonly<Record<ValueType | ArgumentSpec['type'], AttributeType>> = {
  number: AttributeType.ATTRIBUTE_TYPE_INT,
  string: AttributeType.ATTRIBUTE_TYPE_STRING,
  bool: AttributeType.ATTRIBUTE_TYPE_BOOL,
  date: AttributeType.ATTRIBUTE_TYPE_DATE,
  duration: AttributeType.ATTRIBUTE_TYPE_DURATION,
  filter: AttributeType.ATTRIBUTE_TYPE_STRING,
};

/** The type of a value as the contract names it. */
export function attributeType(type: ValueType): AttributeType {
  return type === 'number' ? AttributeType.ATTRIBUTE_TYPE_DOUBLE : types[type];
}

const classes = {
  C1: DataClass.DATA_CLASS_C1,
  C2: DataClass.DATA_CLASS_C2,
  C3: DataClass.DATA_CLASS_C3,
} as const;

function argumentMessage(spec: ArgumentSpec): AttributeArgument {
  const { name, type, optional = false, values = [], description, keys = {} } = spec;
  return {
    name,
    type: types[type],
    optional,
    description: description.en,
    descriptionZh: description.zh,
    values: [...values],
    keys: Object.entries(keys).map(([key, { values: words, number = false }]) => ({
      key,
      type: number ? AttributeType.ATTRIBUTE_TYPE_DOUBLE : AttributeType.ATTRIBUTE_TYPE_STRING,
      values: Object.keys(words ?? {}),
    })),
  };
}

const freshnesses = {
  seconds: AttributeFreshness.ATTRIBUTE_FRESHNESS_SECONDS,
  scheme_run: AttributeFreshness.ATTRIBUTE_FRESHNESS_SCHEME_RUN,
} as const;
const freshnessWords = { seconds: 'seconds', scheme_run: 'at each run of the scheme' } as const;

/** The attribute as the contract shows it. */
export function attributeMessage(spec: AttributeSpec): Attribute {
  const { description: told, missing = false } = spec;
  return {
    key: spec.key,
    type: spec.decimals ? AttributeType.ATTRIBUTE_TYPE_DOUBLE : types[spec.type],
    unit: spec.unit?.en ?? '',
    unitZh: spec.unit?.zh ?? '',
    titleEn: spec.title.en,
    titleZh: spec.title.zh,
    sources: [...spec.sources],
    description: `${told.en}${missing ? ' A comparison with a missing value is false.' : ''}`,
    descriptionZh: `${told.zh}${missing ? '与缺失值的任何比较都为假。' : ''}`,
    freshness: freshnessWords[spec.freshness ?? 'seconds'],
    freshWithin: freshnesses[spec.freshness ?? 'seconds'],
    arguments: (spec.arguments ?? []).map(argumentMessage),
    values: Object.keys(spec.values ?? {}),
    dated: spec.dated ?? false,
    missing,
    definition: spec.definition ?? '',
    dataClass: classes[spec.sensitivity],
  };
}
