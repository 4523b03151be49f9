import { type DescEnum, type DescField, type DescMessage, type JsonValue, ScalarType } from '@bufbuild/protobuf';
import type { Violation } from '../errors.js';
import { fieldOf } from './transcoding.js';

export type JsonObject = { [key: string]: JsonValue };

/** Messages whose JSON form is a string, so that a query parameter can carry them. */
const stringMessages = new Set([
  'google.protobuf.Timestamp',
  'google.protobuf.Duration',
  'google.protobuf.FieldMask',
  'google.protobuf.StringValue',
  'google.protobuf.BytesValue',
  'google.protobuf.Int64Value',
  'google.protobuf.UInt64Value',
  'google.protobuf.Int32Value',
  'google.protobuf.UInt32Value',
  'google.protobuf.DoubleValue',
  'google.protobuf.FloatValue',
]);
const calendarDate = /^(\d{4})-(\d{2})-(\d{2})$/;

function booleanOf(text: string): JsonValue {
  if (text === 'true') return true;
  if (text === 'false') return false;
  throw new Error('must be true or false');
}

function enumOf(desc: DescEnum, text: string): JsonValue {
  if (/^-?\d{1,10}$/.test(text)) return Number(text);
  if (!desc.values.some(({ name }) => name === text)) throw new Error('is not a value of the enumeration');
  return text;
}

function messageOf(desc: DescMessage, text: string): JsonValue {
  if (stringMessages.has(desc.typeName)) return text;
  if (desc.typeName === 'google.protobuf.BoolValue') return booleanOf(text);
  const date = desc.typeName === 'google.type.Date' ? calendarDate.exec(text) : null;
  if (date)
    return {
      year: Number(date[1]),
      month: Number(date[2]),
      day: Number(date[3]),
    };
  throw new Error(desc.typeName === 'google.type.Date' ? 'must be a date YYYY-MM-DD' : 'cannot be given in the query');
}

function valueOf(field: DescField, text: string): JsonValue {
  if (field.fieldKind === 'map') throw new Error('cannot be given in the query');
  if (field.enum) return enumOf(field.enum, text);
  if (field.message) return messageOf(field.message, text);
  return field.scalar === ScalarType.BOOL ? booleanOf(text) : text;
}

const nameIn = (target: JsonObject, field: DescField): string =>
  Object.hasOwn(target, field.name) ? field.name : field.jsonName;

function assign(target: JsonObject, field: DescField, text: string): void {
  const value = valueOf(field, text);
  const name = nameIn(target, field);
  const present = Object.hasOwn(target, name) ? target[name] : undefined;
  if (field.fieldKind === 'list') {
    if (present !== undefined && !Array.isArray(present)) throw new Error('is given twice');
    target[name] = [...(present ?? []), value];
  } else if (present === undefined || present === value) {
    target[name] = value;
  } else {
    throw new Error('is given twice');
  }
}

/** Puts one text at a dotted field path of the JSON form of `message`; throws an Error that says what is wrong. */
export function putField(root: JsonObject, message: DescMessage, path: string, text: string): void {
  const names = path.split('.');
  const leaf = names.pop() ?? '';
  let target = root;
  let desc = message;
  for (const name of names) {
    const field = fieldOf(desc, name);
    if (field?.fieldKind !== 'message') throw new Error('is unknown');
    const key = nameIn(target, field);
    const next = Object.hasOwn(target, key) ? target[key] : {};
    if (typeof next !== 'object' || next === null || Array.isArray(next)) throw new Error('must be an object');
    target[key] = next;
    target = next;
    desc = field.message;
  }
  const field = fieldOf(desc, leaf);
  if (!field) throw new Error('is unknown');
  assign(target, field, text);
}

/**
 * Puts the query parameters into the JSON form of `message`. Dots reach into nested messages, a repeated parameter
 * fills a repeated field, `google.type.Date` may be written YYYY-MM-DD. Answers the parameters that do not fit.
 */
export function putQuery(root: JsonObject, message: DescMessage, query: URLSearchParams): Violation[] {
  const violations: Violation[] = [];
  for (const [name, text] of query) {
    try {
      putField(root, message, name, text);
    } catch (error) {
      violations.push({
        field: name.slice(0, 128),
        description: error instanceof Error ? error.message : 'is wrong',
      });
    }
  }
  return violations;
}
