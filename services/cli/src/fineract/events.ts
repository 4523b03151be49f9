import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { OperatorError } from '../suite.js';
import { AvroError, readAvro, type Schema, type Schemas } from './avro.js';
import type { FineractRecord } from './records.js';
import type { PassedOver } from './rows.js';

/** Fineract's envelope of an event, org.apache.fineract.avro.MessageV1. */
const envelope: Schema = {
  type: 'record',
  name: 'MessageV1',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'source', type: 'string' },
    { name: 'type', type: 'string' },
    { name: 'category', type: 'string' },
    { name: 'createdAt', type: 'string' },
    { name: 'businessDate', type: 'string' },
    { name: 'tenantId', type: 'string' },
    { name: 'idempotencyKey', type: 'string' },
    { name: 'dataschema', type: 'string' },
    { name: 'data', type: 'bytes' },
  ],
};

const messageShape = z.looseObject({ type: z.string(), dataschema: z.string(), data: z.unknown() });
type Message = z.infer<typeof messageShape>;

/** The payloads that say something of customers, by the name of their schema. */
const kinds: Readonly<Record<string, FineractRecord['is']>> = {
  ClientDataV1: 'client',
  SavingsAccountDataV1: 'savings',
  SavingsAccountTransactionDataV1: 'savings_transaction',
  LoanAccountDataV1: 'loan',
  LoanTransactionDataV1: 'loan_transaction',
};

/** Reads the .avsc files of a folder and the folders in it: those of the Fineract that wrote the events. */
export async function readSchemas(folder: string): Promise<Schemas> {
  const schemas = new Map<string, Extract<Schema, { type: Schema }>>();
  const names = await readdir(folder, { recursive: true }).catch(() => {
    throw new OperatorError(`There is no folder ${folder}.`);
  });
  for (const name of names.filter((one) => one.endsWith('.avsc'))) {
    const schema = JSON.parse(await readFile(path.join(folder, name), 'utf8')) as Extract<Schema, { type: Schema }>;
    schemas.set(schema.namespace ? `${schema.namespace}.${schema.name}` : String(schema.name), schema);
  }
  if (schemas.size === 0) throw new OperatorError(`${folder} holds no .avsc files`);
  return schemas;
}

/**
 * Reads business events that were written to a file or a folder, in the order of the files' names: `.json` (one message),
 * `.jsonl` and `.ndjson` (one a line), anything else one message in Avro's binary encoding. `data` of a JSON message is
 * the payload itself, or its Avro bytes in base64. Events that say nothing of customers are passed over and counted.
 * Throws an OperatorError that names the file for what cannot be read.
 */
export async function* readEvents(from: string, schemas: Schemas, passed: PassedOver): AsyncGenerator<FineractRecord> {
  const found = await stat(from).catch(() => {
    throw new OperatorError(`There is no file or folder ${from}.`);
  });
  const files = found.isDirectory() ? (await readdir(from)).sort().map((name) => path.join(from, name)) : [from];
  for (const file of files) {
    const bytes = await readFile(file);
    const name = path.basename(file);
    try {
      for (const message of messagesIn(name, bytes)) yield* recordsIn(message, schemas, passed);
    } catch (error) {
      if (!(error instanceof AvroError || error instanceof SyntaxError || error instanceof z.ZodError)) throw error;
      const why = error instanceof z.ZodError ? 'it is no message of Fineract' : error.message;
      throw new OperatorError(`${name} cannot be read: ${why}`);
    }
  }
}

function* messagesIn(name: string, bytes: Buffer): Generator<Message> {
  if (name.endsWith('.json')) yield messageShape.parse(JSON.parse(bytes.toString('utf8')));
  else if (/\.(jsonl|ndjson)$/.test(name)) {
    for (const line of bytes.toString('utf8').split('\n')) {
      if (line.trim() !== '') yield messageShape.parse(JSON.parse(line));
    }
  } else yield messageShape.parse(readAvro(bytes, envelope, new Map()));
}

function* recordsIn(message: Message, schemas: Schemas, passed: PassedOver): Generator<FineractRecord> {
  const { dataschema, data } = message;
  const name = dataschema.split('.').at(-1) ?? '';
  const is = kinds[name];
  if (is) yield { is, data: payloadOf(dataschema, data, schemas) };
  else if (name === 'BulkMessagePayloadV1') {
    const bulk = z.looseObject({ datas: z.array(messageShape) }).parse(payloadOf(dataschema, data, schemas));
    for (const item of bulk.datas) yield* recordsIn(item, schemas, passed);
  } else {
    const why = `events with ${name.slice(0, 60)}`;
    passed.set(why, (passed.get(why) ?? 0) + 1);
  }
}

function payloadOf(schema: string, data: unknown, schemas: Schemas): unknown {
  if (Buffer.isBuffer(data)) return readAvro(data, schema, schemas);
  return typeof data === 'string' ? readAvro(Buffer.from(data, 'base64'), schema, schemas) : data;
}
