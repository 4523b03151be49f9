/**
 * The bare limit of reading memberships: grpc-js and pg with the service's own statement, prepared, for each call by itself;
 * no authorisation, no validation, no row security, no audit. Started as a process with DATABASE_URL and PORT.
 */
import { type sendUnaryData, Server, ServerCredentials, type ServerUnaryCall } from '@grpc/grpc-js';
import { GetMembershipsRequest, GetMembershipsResponse } from '@rapport/proto/segmentation/v1';
import pg from 'pg';
import { segmentCode } from './segment-code.js';

const { membershipMessage, membershipRows } = segmentCode('membership/membership');
const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'], max: 10 });
// What the service does, so that neither side pays for planning.
pool.on('connect', (client) => {
  client.query("SET jit = off; SET plan_cache_mode = 'force_generic_plan'").catch(() => process.exit(1));
});

async function getMemberships(bytes: Buffer): Promise<Buffer> {
  const { party } = GetMembershipsRequest.decode(bytes);
  const { text, name, values } = membershipRows({ kind: 'rows', subtree: '/bench' }, [party.slice('parties/'.length)]);
  const { rows } = await pool.query<{ memberships: unknown[]; as_of: Date | null }>({ text, name, values });
  const answer = {
    memberships: (rows[0]?.memberships ?? []).map(membershipMessage),
    asOf: rows[0]?.as_of ?? undefined,
  };
  return Buffer.from(GetMembershipsResponse.encode(answer).finish());
}

const raw = (bytes: Buffer): Buffer => bytes;
const server = new Server();
server.addService(
  {
    GetMemberships: {
      path: '/bench.Bare/GetMemberships',
      requestStream: false,
      responseStream: false,
      requestSerialize: raw,
      requestDeserialize: raw,
      responseSerialize: raw,
      responseDeserialize: raw,
    },
  },
  {
    GetMemberships: (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>): void => {
      getMemberships(call.request).then(
        (bytes) => callback(null, bytes),
        (error: Error) => callback(error),
      );
    },
  },
);
server.bindAsync(`127.0.0.1:${process.env['PORT']}`, ServerCredentials.createInsecure(), (error) => {
  if (error) throw error;
});
process.on('SIGTERM', () => process.exit(0));
