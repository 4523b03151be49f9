/**
 * Reads Avro's binary encoding (Apache Avro 1.11 specification, "Binary encoding") by the writer's schema. Numbers come as
 * numbers, decimals as text with all their digits, unions as the value itself, maps as objects.
 */

/** A schema as JSON: a name, a union, or a complex type. */
export type Schema = string | readonly Schema[] | ComplexSchema;

interface ComplexSchema {
  readonly type: Schema;
  readonly name?: string;
  readonly namespace?: string;
  readonly fields?: readonly { readonly name: string; readonly type: Schema }[];
  readonly items?: Schema;
  readonly values?: Schema;
  readonly symbols?: readonly string[];
  readonly size?: number;
  readonly logicalType?: string;
  readonly scale?: number;
}

/** Schemas by their full names. */
export type Schemas = ReadonlyMap<string, ComplexSchema>;

/** Thrown for bytes that do not fit their schema, and for schemas that are not known. */
export class AvroError extends Error {}

/** Fineract writes its amounts as decimals with eight digits behind the point; its schemas call them `bigdecimal`. */
const BIG_DECIMAL: ComplexSchema = { type: 'bytes', logicalType: 'decimal', scale: 8 };
const DEPTH = 64;
const MOST_ITEMS = 100_000;

interface Cursor {
  readonly bytes: Buffer;
  at: number;
}

/** Reads one value; the bytes must end with it. */
export function readAvro(bytes: Buffer, schema: Schema, schemas: Schemas): unknown {
  const cursor = { bytes, at: 0 };
  const value = read(cursor, schema, schemas, '', 0);
  if (cursor.at !== bytes.length) throw new AvroError(`${bytes.length - cursor.at} bytes are left over`);
  return value;
}

function take(cursor: Cursor, length: number): Buffer {
  const end = cursor.at + length;
  if (length < 0 || end > cursor.bytes.length) throw new AvroError('the bytes end too early');
  const taken = cursor.bytes.subarray(cursor.at, end);
  cursor.at = end;
  return taken;
}

/** Zig-zag, seven bits to a byte, the lowest first. */
function readLong(cursor: Cursor): number {
  let value = 0n;
  for (let shift = 0n; ; shift += 7n) {
    if (shift > 63n) throw new AvroError('a number has more than 64 bits');
    const byte = take(cursor, 1)[0] as number;
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  const signed = (value >> 1n) ^ -(value & 1n);
  if (signed > BigInt(Number.MAX_SAFE_INTEGER) || signed < BigInt(Number.MIN_SAFE_INTEGER)) {
    throw new AvroError('a number is too big');
  }
  return Number(signed);
}

function read(cursor: Cursor, schema: Schema, schemas: Schemas, namespace: string, depth: number): unknown {
  if (depth > DEPTH) throw new AvroError(`values lie more than ${DEPTH} deep`);
  if (Array.isArray(schema)) {
    const branch = (schema as readonly Schema[])[readLong(cursor)];
    if (branch === undefined) throw new AvroError('a union has no such branch');
    return read(cursor, branch, schemas, namespace, depth + 1);
  }
  if (typeof schema === 'string') return readNamed(cursor, schema, schemas, namespace, depth);
  return readComplex(cursor, schema as ComplexSchema, schemas, namespace, depth);
}

function readNamed(cursor: Cursor, name: string, schemas: Schemas, namespace: string, depth: number): unknown {
  switch (name) {
    case 'null':
      return null;
    case 'boolean':
      return take(cursor, 1)[0] === 1;
    case 'int':
    case 'long':
      return readLong(cursor);
    case 'float':
      return take(cursor, 4).readFloatLE();
    case 'double':
      return take(cursor, 8).readDoubleLE();
    case 'bytes':
      return take(cursor, readLong(cursor));
    case 'string':
      return take(cursor, readLong(cursor)).toString('utf8');
    case 'bigdecimal':
      return readComplex(cursor, BIG_DECIMAL, schemas, namespace, depth);
    default: {
      const known = schemas.get(name) ?? schemas.get(`${namespace}.${name}`);
      if (!known) throw new AvroError(`the schema ${name} is not known`);
      return readComplex(cursor, known, schemas, namespace, depth);
    }
  }
}

function readComplex(cursor: Cursor, schema: ComplexSchema, schemas: Schemas, outer: string, depth: number): unknown {
  const namespace = schema.namespace ?? outer;
  if (schema.type === 'record') {
    const record: Record<string, unknown> = {};
    for (const field of schema.fields ?? [])
      record[field.name] = read(cursor, field.type, schemas, namespace, depth + 1);
    return record;
  }
  if (schema.type === 'enum') return schema.symbols?.[readLong(cursor)] ?? '';
  if (schema.type === 'fixed') return take(cursor, schema.size ?? 0);
  if (schema.type === 'array') {
    const items: unknown[] = [];
    readBlocks(cursor, () => items.push(read(cursor, schema.items ?? 'null', schemas, namespace, depth + 1)));
    return items;
  }
  if (schema.type === 'map') {
    const entries: [string, unknown][] = [];
    readBlocks(cursor, () => {
      const key = take(cursor, readLong(cursor)).toString('utf8');
      entries.push([key, read(cursor, schema.values ?? 'null', schemas, namespace, depth + 1)]);
    });
    return Object.fromEntries(entries);
  }
  const value = read(cursor, schema.type, schemas, namespace, depth + 1);
  return schema.logicalType === 'decimal' && Buffer.isBuffer(value) ? decimalOf(value, schema.scale ?? 0) : value;
}

/** Arrays and maps come in blocks: a count (negative with the size in bytes behind it), items, and a count of 0. */
function readBlocks(cursor: Cursor, item: () => void): void {
  let total = 0;
  for (let count = readLong(cursor); count !== 0; count = readLong(cursor)) {
    if (count < 0) readLong(cursor);
    total += Math.abs(count);
    if (total > MOST_ITEMS) throw new AvroError(`a list has more than ${MOST_ITEMS} items`);
    for (let index = 0; index < Math.abs(count); index += 1) item();
  }
}

/** Two's complement, the highest byte first. */
function decimalOf(bytes: Buffer, scale: number): string {
  const size = bytes.length === 0 ? 0n : BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`));
  const digits = (size < 0n ? -size : size).toString().padStart(scale + 1, '0');
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  return size < 0n ? `-${text}` : text;
}
