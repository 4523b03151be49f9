import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type Call, type DefinitionShape, Failure, methodName, type Route, startServer } from '@rapport/kit/rpc';
import { createHealth, type Running, uuidv7 } from '@rapport/kit/runtime';
import { descriptorSet } from '@rapport/proto';
import {
  type BatchGetContactabilityRequest,
  Contactability,
  CustomerServiceService,
  ConsentState,
  PartyState,
} from '@rapport/proto/customer/v1';
import {
  GetSegmentResponse,
  type ListMembersRequest,
  type ReserveSegmentVersionRequest,
  ReserveSegmentVersionResponse,
  SegmentationServiceService,
  SegmentState,
} from '@rapport/proto/segmentation/v1';
import { testAuth } from '@rapport/test/kit';
import { SMTPServer } from 'smtp-server';

/** A gRPC server that answers some methods of a service; the others answer UNIMPLEMENTED. */
async function serve(
  definition: DefinitionShape,
  roles: readonly string[],
  handlers: Record<string, (request: never, call: Call) => Promise<unknown>>,
): Promise<Running & { port: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'peer-'));
  const actions = Object.values(definition).map((method) => `Action::"${methodName(method)}"`);
  const who = roles.map((role) => `"${role}"`).join(', ');
  writeFileSync(
    join(folder, 'peer.cedar'),
    `permit (principal, action in [${actions.join(', ')}], resource) when { principal.roles.containsAny([${who}]) };`,
  );
  const unimplemented = async (): Promise<never> => {
    throw new Failure('UNIMPLEMENTED', 'unimplemented', 'not part of this test');
  };
  const all = Object.fromEntries(Object.keys(definition).map((name) => [name, handlers[name] ?? unimplemented]));
  const server = await startServer({
    address: '127.0.0.1:0',
    routes: [{ definition, handlers: all as unknown as Route['handlers'] }],
    policies: folder,
    auth: { jwksFile: testAuth().jwksFile },
    validation: descriptorSet(),
    health: createHealth(),
  });
  return {
    port: server.port,
    stop: async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A customer service that knows what a test tells it, behind a real gRPC server that lets only services in. */
export interface CustomerPeer extends Running {
  address: string;
  contacts: Map<string, Contactability>;
  /** Adds a party that consents and has an address, except for what the test says; gives its name. */
  party(wish?: Partial<Contactability>): string;
  /** The requests it got. */
  asked: BatchGetContactabilityRequest[];
  /** While set, it answers nothing but this failure. */
  broken: boolean;
  /** Runs before each answer. */
  before: () => Promise<void>;
}

export async function startCustomerPeer(): Promise<CustomerPeer> {
  const contacts = new Map<string, Contactability>();
  const peer: CustomerPeer = {
    address: '',
    contacts,
    asked: [],
    broken: false,
    before: async () => undefined,
    party: (wish = {}) => {
      const id = uuidv7();
      const party = wish.party ?? `parties/${id}`;
      contacts.set(party, {
        ...Contactability.fromJSON({
          party,
          address: `${id}@example.com`,
          consentState: ConsentState.CONSENT_STATE_GRANTED,
          timeZone: 'Europe/Prague',
          language: 'en',
          displayName: 'Jana Nováková',
          salutation: 'Ms',
          givenName: 'Jana',
          familyName: 'Nováková',
          state: PartyState.PARTY_STATE_ACTIVE,
          organisationPath: '/demo/prague/1',
          relationshipManager: 'staff/rm-1',
          synthetic: true,
        }),
        ...wish,
      });
      return party;
    },
    stop: async () => server.stop(),
  };
  const server = await serve(CustomerServiceService, ['service'], {
    batchGetContactability: async (request: BatchGetContactabilityRequest) => {
      peer.asked.push(request);
      await peer.before();
      if (peer.broken) throw new Failure('STORE_UNAVAILABLE', 'unavailable', 'away');
      return {
        contactabilities: request.parties.flatMap((party) => contacts.get(party) ?? []),
        missing: request.parties.filter((party) => !contacts.has(party)),
        asOf: new Date(),
      };
    },
  });
  peer.address = `127.0.0.1:${server.port}`;
  return peer;
}

/** A segmentation service with the segments that a test gives it. */
export interface SegmentationPeer extends Running {
  address: string;
  /** `segments/{id}@{version}` to its state and members. */
  segments: Map<string, { state: SegmentState; members: string[] }>;
  /** What was kept in use for campaigns. */
  reserved: { name: string; campaign: string }[];
  broken: boolean;
}

export async function startSegmentationPeer(): Promise<SegmentationPeer> {
  const segments: SegmentationPeer['segments'] = new Map();
  const peer: SegmentationPeer = {
    address: '',
    segments,
    reserved: [],
    broken: false,
    stop: async () => server.stop(),
  };
  const find = (name: string) => {
    if (peer.broken) throw new Failure('STORE_UNAVAILABLE', 'unavailable', 'away');
    const found = segments.get(name);
    if (!found) throw new Failure('SEGMENT_NOT_FOUND', 'not_found', 'no such segment');
    return found;
  };
  const server = await serve(SegmentationServiceService, ['service', 'marketer', 'marketing_approver'], {
    getSegment: async ({ name }: { name: string }) => {
      const { state } = find(name);
      return GetSegmentResponse.fromJSON({ version: { name, state } });
    },
    reserveSegmentVersion: async ({ name, campaign }: ReserveSegmentVersionRequest) => {
      const { state } = find(name);
      if (state !== SegmentState.SEGMENT_STATE_PUBLISHED)
        throw new Failure('SEGMENT_NOT_PUBLISHED', 'precondition', 'not in use');
      peer.reserved.push({ name, campaign });
      return ReserveSegmentVersionResponse.fromJSON({ version: { name, state } });
    },
    listMembers: async ({ parent, pageSize, pageToken }: ListMembersRequest) => {
      const { members } = find(parent);
      const from = Number(pageToken || 0);
      const size = Math.min(pageSize || 50, 1000);
      return {
        members: members.slice(from, from + size).map((party) => ({ party, enterTime: new Date() })),
        nextPageToken: from + size < members.length ? String(from + size) : '',
        total: BigInt(members.length),
      };
    },
  });
  peer.address = `127.0.0.1:${server.port}`;
  return peer;
}

/** One mail as the mail server got it. */
export interface Received {
  id: string;
  to: string[];
  raw: string;
}

/** A real SMTP server on a port of its own. */
export interface Mailbox {
  url: string;
  port: number;
  /** Everything it accepted, repetitions included. */
  received: Received[];
  /** What a reader sees: one mail per Message-ID, as mail systems that suppress duplicates keep it. */
  kept(): Received[];
  /** Runs when a mail is accepted and kept, before the answer goes out. */
  accepted: (mail: Received) => Promise<void> | void;
  stop(): Promise<void>;
}

/**
 * Addresses say how they are treated: `refused…` is refused for good, `later…` is put off until `later` is emptied, a
 * subject with `[spam]` is refused with its message.
 */
export async function startMailbox(port = 0, later = new Set<string>(['later'])): Promise<Mailbox> {
  const received: Received[] = [];
  const smtp = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    logger: false,
    onRcptTo: ({ address }, _session, done) => {
      const status = address.startsWith('refused') ? 550 : [...later].some((one) => address.startsWith(one)) ? 451 : 0;
      done(status === 0 ? undefined : Object.assign(new Error('not now'), { responseCode: status }));
    },
    onData: (stream, session, done) => {
      text(stream)
        .then(async (raw) => {
          if (/^Subject:.*\[spam\]/m.test(raw)) {
            done(Object.assign(new Error('no spam'), { responseCode: 554 }));
            return;
          }
          const id = /^Message-ID: (<[^>]+>)/im.exec(raw)?.[1] ?? '';
          const mail = { id, to: session.envelope.rcptTo.map(({ address }) => address), raw };
          received.push(mail);
          await mailbox.accepted(mail);
          done();
        })
        .catch(done);
    },
  });
  smtp.on('error', () => undefined);
  await new Promise<void>((resolve) => smtp.listen(port, '127.0.0.1', resolve));
  const bound = (smtp.server.address() as AddressInfo).port;
  const mailbox: Mailbox = {
    url: `smtp://127.0.0.1:${bound}`,
    port: bound,
    received,
    kept: () => [...new Map(received.map((mail) => [mail.id, mail])).values()],
    accepted: () => undefined,
    stop: () => new Promise((resolve) => smtp.close(() => resolve())),
  };
  return mailbox;
}
