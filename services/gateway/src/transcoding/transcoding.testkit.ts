import {
  Metadata,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServerWritableStream,
  status as Status,
} from '@grpc/grpc-js';
import { encodeFailure, Failure } from '@rapport/kit/rpc';
import {
  type CreatePartyRequest,
  CreatePartyResponse,
  CustomerServiceService,
  type GetPartyRequest,
  GetPartyResponse,
  type ListPartiesRequest,
  ListPartiesResponse,
  type UpdatePartyRequest,
  UpdatePartyResponse,
} from '@rapport/proto/customer/v1';
import { type GetEventLagRequest, GetEventLagResponse, OperationsServiceService } from '@rapport/proto/operations/v1';
import {
  type ExportCsvRequest,
  ExportCsvResponse,
  type QueryMetricRequest,
  QueryMetricResponse,
  ReportingServiceService,
} from '@rapport/proto/reporting/v1';
import type { Express } from 'express';
import supertest from 'supertest';
import { grpcServer, origin, testGateway } from '../gateway.testkit.js';

export const party = 'parties/01890000-0000-7000-8000-000000000001';

/** What the services saw last. */
interface Seen {
  request?: unknown;
  metadata?: Metadata;
  deadline?: number;
  cancelled?: boolean;
  calls: number;
}

/** What the services do next. */
interface Plan {
  failWith?: Failure;
  raw?: { code: Status; details: string };
  hang: boolean;
  csv: string[];
  /** The piece of the download at which it fails. */
  breakAfter: number;
}

export const seen: Seen = { calls: 0 };
export const plan: Plan = { hang: false, csv: [], breakAfter: Number.POSITIVE_INFINITY };

function answering<Q, S>(answer: (request: Q) => S) {
  return (call: ServerUnaryCall<Q, S>, respond: sendUnaryData<S>): void => {
    Object.assign(seen, { request: call.request, metadata: call.metadata, deadline: Number(call.getDeadline()) });
    seen.calls += 1;
    call.on('cancelled', () => {
      seen.cancelled = true;
    });
    if (plan.hang) return;
    if (plan.raw) respond({ ...plan.raw, metadata: new Metadata() });
    else if (plan.failWith) respond(encodeFailure(plan.failWith));
    else respond(null, answer(call.request));
  };
}

const notHere = (_call: unknown, respond: sendUnaryData<never>): void => respond({ code: Status.UNIMPLEMENTED });

function exportCsv(call: ServerWritableStream<ExportCsvRequest, ExportCsvResponse>): void {
  Object.assign(seen, { request: call.request, metadata: call.metadata });
  if (plan.failWith) {
    call.emit('error', encodeFailure(plan.failWith));
    return;
  }
  for (const [at, chunk] of plan.csv.entries()) {
    if (at === plan.breakAfter) {
      // Long enough after the chunks before it that those have left.
      setTimeout(() => call.emit('error', encodeFailure(new Failure('BROKEN', 'internal', 'broken'))), 100);
      return;
    }
    call.write(ExportCsvResponse.fromPartial({ chunk: Buffer.from(chunk) }));
  }
  call.end();
}

const rest = (definition: object): Record<string, typeof notHere> =>
  Object.fromEntries(Object.keys(definition).map((name) => [name, notHere]));

/** A gateway in front of services that do as `plan` says and note in `seen` what they got. */
export async function plannedServices(): Promise<{
  app: Express;
  cookie: string;
  get(path: string): supertest.Test;
  send(method: 'post' | 'patch', path: string): supertest.Test;
  stop(): void;
}> {
  const service = await grpcServer([
    [
      CustomerServiceService,
      {
        ...rest(CustomerServiceService),
        getParty: answering<GetPartyRequest, GetPartyResponse>(({ name }) =>
          GetPartyResponse.fromPartial({ party: { name } }),
        ),
        listParties: answering<ListPartiesRequest, ListPartiesResponse>(() => ListPartiesResponse.fromPartial({})),
        createParty: answering<CreatePartyRequest, CreatePartyResponse>((request) =>
          CreatePartyResponse.fromPartial({ party: request.party }),
        ),
        updateParty: answering<UpdatePartyRequest, UpdatePartyResponse>((request) =>
          UpdatePartyResponse.fromPartial({ party: request.party }),
        ),
      },
    ],
    [
      ReportingServiceService,
      {
        ...rest(ReportingServiceService),
        exportCsv,
        queryMetric: answering<QueryMetricRequest, QueryMetricResponse>(() => QueryMetricResponse.fromPartial({})),
      },
    ],
    [
      OperationsServiceService,
      {
        ...rest(OperationsServiceService),
        getEventLag: answering<GetEventLagRequest, GetEventLagResponse>(() =>
          GetEventLagResponse.fromPartial({
            outbox: { pending: 9_007_199_254_740_993n },
            asOf: new Date('1994-03-31T10:00:00Z'),
          }),
        ),
      },
    ],
  ]);
  const { address } = service;
  const gateway = testGateway({ addresses: { customer: address, reporting: address, segmentation: '127.0.0.1:1' } });
  const { cookie, session } = await gateway.signIn();
  return {
    app: gateway.app,
    cookie,
    get: (path) => supertest(gateway.app).get(path).set('cookie', cookie),
    send: (method, path) =>
      supertest(gateway.app)[method](path).set({ cookie, origin, 'x-rapport-csrf': session.csrf }),
    stop: () => {
      gateway.stop();
      service.stop();
    },
  };
}

/** Forgets what was planned and seen. */
export function resetServices(): void {
  for (const key of ['request', 'metadata', 'deadline', 'cancelled'] as const) delete seen[key];
  seen.calls = 0;
  for (const key of ['failWith', 'raw'] as const) delete plan[key];
  Object.assign(plan, { hang: false, csv: [], breakAfter: Number.POSITIVE_INFINITY });
}
