/**
 * The bare limit: grpc-js and pg with one prepared statement per call; no authorisation, no validation, no row security,
 * no audit, no deadline, no telemetry. Started as a process of its own with DATABASE_URL and PORT.
 */
import path from 'node:path';
import { type sendUnaryData, Server, ServerCredentials, type ServerUnaryCall } from '@grpc/grpc-js';
import {
  GetCustomerViewRequest,
  GetPartyRequest,
  GetPartyResponse,
  PartyKind,
  type PartyState,
} from '@rapport/proto/customer/v1';
import pg from 'pg';
import { root } from './scripts.js';

interface Statement {
  text: string;
  name: string;
  values: unknown[];
}

interface PartyRow {
  party_id: string;
  given_name: string;
  family_name: string;
  sex: number;
  birth_date: string | null;
  display_name: string;
  organisation_path: string;
  manager: string;
  region: string;
  district: string;
  branch: string;
  time_zone: string;
  language: string;
  synthetic: boolean;
  state: PartyState;
  source: string;
  source_key: string;
  version: number;
  create_time: Date;
  update_time: Date;
}

/** The statement of the service. Found by its path, because tests import no code of services. */
function viewStatement(): (ids: string[], size: number, scope: object) => Statement {
  const file = path.join(root, 'services/customer/dist/view/get-customer-view.js');
  return (require(file) as { viewQuery: (ids: string[], size: number, scope: object) => Statement }).viewQuery;
}

const types = {
  getTypeParser: ((oid: number) =>
    oid === 1082 ? String : pg.types.getTypeParser(oid)) as typeof pg.types.getTypeParser,
};
const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'], max: 10, types });
// What the service does, so that neither side pays for planning.
pool.on('connect', (client) => {
  client.query("SET jit = off; SET plan_cache_mode = 'force_generic_plan'").catch(() => process.exit(1));
});

async function getParty(bytes: Buffer): Promise<Buffer> {
  const id = GetPartyRequest.decode(bytes).name.slice('parties/'.length);
  const { rows } = await pool.query<PartyRow>({
    name: 'party',
    text: 'SELECT * FROM party WHERE party_id = $1',
    values: [id],
  });
  const row = rows[0];
  if (!row) throw new Error('no such party');
  const [year = 0, month = 0, day = 0] = (row.birth_date ?? '').split('-').map(Number);
  const answer: GetPartyResponse = {
    party: {
      name: `parties/${row.party_id}`,
      kind: PartyKind.PARTY_KIND_PERSON,
      details: {
        $case: 'person',
        value: {
          givenName: row.given_name,
          familyName: row.family_name,
          sex: row.sex,
          birthDate: row.birth_date === null ? undefined : { year, month, day },
          salutation: '',
          occupation: '',
          industry: '',
          education: 0,
        },
      },
      displayName: row.display_name,
      source: row.source,
      sourceKey: row.source_key,
      organisationPath: row.organisation_path,
      relationshipManager: row.manager,
      region: row.region,
      district: row.district,
      branch: row.branch,
      timeZone: row.time_zone,
      language: row.language,
      contactPoints: [],
      identifiers: [],
      synthetic: row.synthetic,
      state: row.state,
      createTime: row.create_time,
      updateTime: row.update_time,
      etag: String(row.version),
      masked: [],
      aliases: [],
    },
  };
  return Buffer.from(GetPartyResponse.encode(answer).finish());
}

const viewQuery = viewStatement();

/** The row of the view as it comes, as text. */
async function getView(bytes: Buffer): Promise<Buffer> {
  const id = GetCustomerViewRequest.decode(bytes).name.slice('parties/'.length);
  const { text, name, values } = viewQuery([id], 20, { kind: 'rows', subtree: '/bench' });
  const { rows } = await pool.query({ text, name, values });
  if (rows.length !== 1) throw new Error('no such party');
  return Buffer.from(JSON.stringify(rows[0]));
}

function method(name: string) {
  const raw = (bytes: Buffer): Buffer => bytes;
  return {
    path: `/bench.Bare/${name}`,
    requestStream: false,
    responseStream: false,
    requestSerialize: raw,
    requestDeserialize: raw,
    responseSerialize: raw,
    responseDeserialize: raw,
  };
}

function unary(answer: (bytes: Buffer) => Promise<Buffer>) {
  return (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>): void => {
    answer(call.request).then(
      (bytes) => callback(null, bytes),
      (error: Error) => callback(error),
    );
  };
}

const server = new Server();
server.addService(
  { GetParty: method('GetParty'), GetCustomerView: method('GetCustomerView') },
  { GetParty: unary(getParty), GetCustomerView: unary(getView) },
);
server.bindAsync(`127.0.0.1:${process.env['PORT']}`, ServerCredentials.createInsecure(), (error) => {
  if (error) throw error;
});
process.on('SIGTERM', () => process.exit(0));
