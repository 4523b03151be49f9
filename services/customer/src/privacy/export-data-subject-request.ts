import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from '@rapport/kit/db';
import { type Call, Failure } from '@rapport/kit/rpc';
import {
  DataSubjectRequestKind as Kind,
  DataSubjectRequestState as State,
  type ExportedFile,
  ExportFormat,
  type ExportDataSubjectRequestRequest,
  type ExportDataSubjectRequestResponse,
} from '@rapport/proto/customer/v1';
import { DataClass } from '@rapport/proto/type/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { partyName } from '../party/party.js';
import { type Collection, exportFile } from './export-file.js';
import { personalData } from './personal-data.js';
import {
  type OtherService,
  otherServices,
  requestColumns,
  requestIdIn,
  type RequestRow,
  requestsSeen,
} from './request.js';

const CHUNK = 256 * 1024;
const ATTEMPTS = 4;
const TIMEOUT_MS = 120_000;

/** Gives everything that every service keeps about the person of a request, file by file, and at last what there was. */
export async function* exportDataSubjectRequest(
  deps: Deps,
  request: ExportDataSubjectRequestRequest,
  call: Call,
): AsyncIterable<ExportDataSubjectRequestResponse> {
  const row = await deps.db.scoped(call.scope).maybe<RequestRow>(sql`
    SELECT ${requestColumns} FROM data_subject_request
    WHERE request_id = ${requestIdIn(request.name)} AND ${requestsSeen(call.scope)}`);
  if (!row) throw fail('DATA_SUBJECT_REQUEST_NOT_FOUND', { metadata: { request: request.name } });
  const { DATA_SUBJECT_REQUEST_STATE_ACCEPTED: accepted, DATA_SUBJECT_REQUEST_STATE_COMPLETED: completed } = State;
  if (row.kind !== Kind.DATA_SUBJECT_REQUEST_KIND_ACCESS && row.kind !== Kind.DATA_SUBJECT_REQUEST_KIND_PORTABILITY)
    throw fail('EXPORT_NOT_FOR_KIND');
  if (row.state !== accepted && row.state !== completed) throw fail('DATA_SUBJECT_REQUEST_NOT_ACCEPTED');
  const parties = row.members.map(partyName);
  await deps.reads.record(call, [request.name, ...parties], { reason: 'export' });

  const format = request.format === ExportFormat.EXPORT_FORMAT_CSV ? 'csv' : 'json';
  const files: ExportedFile[] = [];
  for (const service of ['customer', ...otherServices] as const) {
    for (const collection of await gather(deps, service, row, request.name, call)) {
      const { bytes, file, rows, sensitive, sha256 } = exportFile(collection, format);
      for (let at = 0; at < bytes.length; at += CHUNK) {
        yield { part: { $case: 'chunk', value: { file, data: bytes.subarray(at, at + CHUNK) } } };
      }
      files.push({
        file,
        service: `services/${service}`,
        rows: BigInt(rows),
        bytes: BigInt(bytes.length),
        sha256,
        dataClass: sensitive ? DataClass.DATA_CLASS_C2 : DataClass.DATA_CLASS_C1,
      });
    }
  }
  yield {
    part: {
      $case: 'manifest',
      value: {
        dataSubjectRequest: request.name,
        parties,
        files,
        services: ['customer', ...otherServices].map((service) => `services/${service}`),
        time: deps.clock.now(),
      },
    },
  };
}

/** What one service keeps, collection by collection. Asked again when it does not answer; a part is never given out. */
async function gather(
  deps: Deps,
  service: 'customer' | OtherService,
  row: RequestRow,
  reason: string,
  call: Call,
): Promise<Collection[]> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const found = new Map<string, Collection>();
      const add = (collection: string, json: string, sensitive: boolean): void => {
        const known = found.get(collection) ?? { service, collection, sensitive: false, rows: [] };
        known.rows.push(json);
        known.sensitive ||= sensitive;
        found.set(collection, known);
      };
      if (service === 'customer') {
        for await (const one of personalData(deps)(row.members)) {
          const json = JSON.stringify(one.row, (_key, value: unknown) =>
            typeof value === 'bigint' ? Number(value) : value,
          );
          add(one.collection, json, one.dataClass === 'C2');
        }
      } else {
        const request = { name: `services/${service}`, parties: row.members.map(partyName), reason };
        // In this service's own name: no employee may ask another service for everything about a person.
        const options = { parent: call, asSelf: true, timeoutMs: TIMEOUT_MS };
        for await (const one of deps.peers[service].exportPersonalData(request, options)) {
          add(one.collection, one.json, one.dataClass !== DataClass.DATA_CLASS_C1);
        }
      }
      return [...found.values()];
    } catch (error) {
      if (!(error instanceof Failure) || error.kind !== 'unavailable') throw error;
      if (attempt === ATTEMPTS) throw fail('SERVICE_UNAVAILABLE', { metadata: { service }, cause: error });
      await sleep(250 * 2 ** attempt, undefined, { signal: call.signal });
    }
  }
}
