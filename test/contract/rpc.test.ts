// What every RPC of every service answers to input that it must not accept, asked of the running suite.
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, Metadata, status as Status } from '@grpc/grpc-js';
import { loadPolicies, type Policies } from '@rapport/kit/rpc';
import { type SuiteService, suiteServices, type TestSuite, testRun, testSuite } from '@rapport/test/kit';
import { openChannel, type Outcome, send, type Served, servedMethods } from './methods.js';
import { brokenFields, copy, encode, isEnum, isText, type Leaf, leavesOf, put, validRequest } from './requests.js';
import { tablesOf } from './tables.js';

jest.setTimeout(120_000);

const staffRoles = [
  'relationship_manager',
  'call_centre_agent',
  'marketer',
  'marketing_approver',
  'branch_manager',
  'auditor',
  'analyst',
  'administrator',
  'operator',
  'privacy_officer',
  'data_steward',
];
const methods = servedMethods();
const of = (service: SuiteService): Served[] => methods.filter((one) => one.service === service);

let suite: TestSuite;
const channels = new Map<SuiteService, Client>();
const policies = new Map<SuiteService, Policies>();

beforeAll(async () => {
  suite = await testSuite('contract');
  for (const service of suiteServices) {
    channels.set(service, openChannel(suite.grpc(service)));
    policies.set(service, policiesOf(service));
  }
}, 180_000);

afterAll(async () => {
  for (const channel of channels.values()) channel.close();
  await suite?.stop();
}, 60_000);

/** The service's own policies, to know who may: what the test is about is that the server asks them. */
function policiesOf(service: SuiteService): Policies {
  const unused = (): never => {
    throw new Error('only names are asked for');
  };
  const shapes = of(service).map(({ name }) => [
    name,
    {
      path: `/${name}`,
      requestStream: false,
      responseStream: false,
      requestSerialize: unused,
      requestDeserialize: unused,
      responseSerialize: unused,
      responseDeserialize: unused,
    },
  ]);
  return loadPolicies(path.join(testRun().root, 'services', service, 'policies'), [Object.fromEntries(shapes)]);
}

const permits = ({ service, name }: Served, roles: string[]): boolean =>
  policies.get(service)?.decide(roles, name, 'service', 'C1') !== 0;

const bearer = (token: string): Metadata => {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  return metadata;
};

/** Somebody who may make the call: staff with every role, else a service. */
function mighty(served: Served): Metadata {
  if (permits(served, staffRoles)) return bearer(suite.token({ roles: staffRoles }));
  // What one service asks of another is that service's alone.
  const caller = permits(served, ['service', 'service:customer']) ? 'customer' : 'marketing';
  return bearer(suite.token({ sub: `service:${caller}`, roles: ['service'], typ: 'service', signedBy: caller }));
}

const call = (served: Served, bytes: Buffer, metadata: Metadata): Promise<Outcome> =>
  send(channels.get(served.service) as Client, served, bytes, metadata);

const said = ({ code, failure }: Outcome): string =>
  `${Status[code]} ${failure?.reason ?? ''} ${failure?.violations.map(({ field }) => field).join(',') ?? ''}`.trim();

/** Asks `ask` of each method, eight at a time; what answered wrongly. */
async function wrongs(
  served: Served[],
  ask: (one: Served) => Promise<string | string[] | undefined>,
): Promise<string[]> {
  const found: string[] = [];
  const waiting = [...served];
  const worker = async () => {
    for (let one = waiting.shift(); one; one = waiting.shift()) {
      for (const wrong of [await ask(one)].flat()) if (wrong) found.push(`${one.name}: ${wrong}`);
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  return found.sort();
}

/** The tables of a service once nothing that earlier calls caused moves in them any more. */
async function stillTables(service: SuiteService): Promise<Record<string, string>> {
  let last = await tablesOf(suite.database(service));
  for (let still = 0; still < 3; ) {
    await sleep(400);
    const now = await tablesOf(suite.database(service));
    still = JSON.stringify(now) === JSON.stringify(last) ? still + 1 : 0;
    last = now;
  }
  return last;
}

/** Answers that tell a caller what is the matter with a request that keeps all rules. */
const clear: Status[] = [
  Status.OK,
  Status.INVALID_ARGUMENT,
  Status.NOT_FOUND,
  Status.ALREADY_EXISTS,
  Status.FAILED_PRECONDITION,
  Status.PERMISSION_DENIED,
  Status.ABORTED,
];

/** Fields whose texts another than the contract's rules judges, or nobody because they are not used. */
function isJudgedElsewhere({ name }: Served, { field, steps }: Leaf): boolean {
  // rows of an import are judged one by one, after the request is taken
  if (steps.some(({ message }) => message?.name === 'ImportRow')) return true;
  // what a mask may name is known once the row is found
  if (steps.some(({ message }) => message?.typeName === 'google.protobuf.FieldMask')) return true;
  // the service names what it makes
  return field.name === 'name' && steps.length > 0 && /\/(Batch)?Create/.test(name);
}

const requestOf = ({ name, method }: Served) => validRequest(name, method.input);

test('the contracts have the services and methods that these tests are about', () => {
  for (const service of suiteServices) expect(of(service).length).toBeGreaterThan(10);
});

// First, because it also leaves rows behind that the tests below could damage.
test.each(suiteServices)(
  '%s answers clearly to a request that keeps every rule and names what is not there',
  async (service) => {
    const found = await wrongs(of(service), async (one) => {
      const outcome = await call(one, encode(requestOf(one)), mighty(one));
      return clear.includes(outcome.code) ? undefined : said(outcome);
    });
    expect(found).toEqual([]);
  },
);

describe.each(suiteServices)('%s', (service) => {
  let before: Record<string, string>;
  beforeAll(async () => {
    before = await stillTables(service);
  });

  /** Runs `work`, which must leave every table of the service as it was. */
  async function changesNothing(work: () => Promise<void>): Promise<void> {
    await work();
    expect(await tablesOf(suite.database(service))).toEqual(before);
  }

  const denies = (title: string, metadata: () => Metadata, code: Status, reason?: string) =>
    test(title, () =>
      changesNothing(async () => {
        const found = await wrongs(of(service), async (one) => {
          const outcome = await call(one, encode(requestOf(one)), metadata());
          const right = outcome.code === code && (!reason || outcome.failure?.reason === reason);
          return right ? undefined : said(outcome);
        });
        expect(found).toEqual([]);
      }),
    );

  denies('refuses a call without a token', () => new Metadata(), Status.UNAUTHENTICATED, 'CREDENTIALS_MISSING');
  denies('refuses a token that is none', () => bearer('a.b.c'), Status.UNAUTHENTICATED, 'TOKEN_INVALID');
  denies(
    'refuses a token that has expired',
    () => bearer(suite.token({ roles: staffRoles, lifetimeSeconds: -60 })),
    Status.UNAUTHENTICATED,
    'TOKEN_EXPIRED',
  );
  denies(
    'refuses a token by a key that it does not know, under a name that it knows',
    () => bearer(strangersToken()),
    Status.UNAUTHENTICATED,
    'TOKEN_INVALID',
  );
  denies(
    'refuses a token of staff that another service signed',
    () => bearer(suite.token({ roles: staffRoles, signedBy: 'marketing' })),
    Status.UNAUTHENTICATED,
    'TOKEN_SIGNER',
  );
  denies(
    'refuses a role that no policy knows',
    () => bearer(suite.token({ roles: ['visitor'] })),
    Status.PERMISSION_DENIED,
  );

  test('refuses every role that no policy lets in', () =>
    changesNothing(async () => {
      let asked = 0;
      const found = await wrongs(of(service), async (one) => {
        const wrong: string[] = [];
        for (const role of staffRoles.filter((candidate) => !permits(one, [candidate]))) {
          asked += 1;
          const outcome = await call(one, encode(requestOf(one)), bearer(suite.token({ roles: [role] })));
          if (outcome.code !== Status.PERMISSION_DENIED) wrong.push(`${role}: ${said(outcome)}`);
        }
        return wrong;
      });
      expect(asked).toBeGreaterThan(10);
      expect(found).toEqual([]);
    }));

  test('refuses bytes that are no message', () =>
    changesNothing(async () => {
      const broken = [Buffer.from([0xff, 0xff, 0xff]), Buffer.from([0x0a, 0x7f, 0x01]), Buffer.from([0x07])];
      const found = await wrongs(of(service), async (one) => {
        const outcomes = await Promise.all(broken.map((bytes) => call(one, bytes, mighty(one))));
        return outcomes
          .filter(({ code, failure }) => code !== Status.INVALID_ARGUMENT || failure?.reason !== 'REQUEST_MALFORMED')
          .map(said);
      });
      expect(found).toEqual([]);
    }));

  test('refuses an empty request where something is needed, and names it', () =>
    changesNothing(async () => {
      const needy = of(service).filter(({ name }) => brokenFields(name, Buffer.alloc(0)));
      expect(needy.length).toBeGreaterThan(5);
      const found = await wrongs(needy, async (one) => {
        const outcome = await call(one, Buffer.alloc(0), mighty(one));
        const expected = brokenFields(one.name, Buffer.alloc(0)) as string[];
        const named = outcome.failure?.violations.map(({ field }) => field) ?? [];
        const right =
          outcome.code === Status.INVALID_ARGUMENT &&
          named.length > 0 &&
          expected.every((field) => named.includes(field));
        return right ? undefined : said(outcome);
      });
      expect(found).toEqual([]);
    }));

  test('asks for a request id wherever something changes, and for nothing but a UUID', () =>
    changesNothing(async () => {
      const changing = of(service).filter(({ method }) => method.input.field['requestId']);
      expect(changing.length).toBeGreaterThan(0);
      const found = await wrongs(changing, async (one) => {
        const leaf = [...leavesOf(one.method.input)].find(({ path: at }) => at === 'request_id');
        if (!leaf) return 'no request_id at the top';
        const request = requestOf(one);
        put(request, leaf, 'not-a-uuid');
        const outcome = await call(one, encode(request), mighty(one));
        const named = outcome.failure?.violations.map(({ field }) => field);
        return outcome.code === Status.INVALID_ARGUMENT && named?.join() === 'request_id' ? undefined : said(outcome);
      });
      expect(found).toEqual([]);
    }));

  test('refuses every text that is too long and every value that an enumeration does not have, by name', () =>
    changesNothing(async () => {
      let asked = 0;
      const found = await wrongs(of(service), async (one) => {
        const wrong: string[] = [];
        const base = requestOf(one);
        for (const leaf of leavesOf(one.method.input)) {
          if (!isText(leaf) && !isEnum(leaf)) continue;
          if (isJudgedElsewhere(one, leaf)) continue;
          const request = copy(base);
          put(request, leaf, isText(leaf) ? 'x'.repeat(300_000) : 999);
          asked += 1;
          const outcome = await call(one, encode(request), mighty(one));
          const at = leaf.field.fieldKind === 'map' ? `${leaf.path}["key"]` : leaf.path;
          const named = outcome.failure?.violations.some(({ field }) => field === at);
          const right = outcome.code === Status.INVALID_ARGUMENT && named;
          if (!right) wrong.push(`${leaf.path}: ${said(outcome)}`);
        }
        return wrong;
      });
      expect(asked).toBeGreaterThan(10);
      expect(found).toEqual([]);
    }));

  test('refuses a message of more than four megabytes before it reads it', () =>
    changesNothing(async () => {
      const huge = Buffer.concat([Buffer.from([0xfa, 0x7f, 0x80, 0x80, 0xc0, 0x02]), Buffer.alloc(5 * 1024 * 1024)]);
      const found = await wrongs(of(service), async (one) => {
        const outcome = await call(one, huge, mighty(one));
        return outcome.code === Status.RESOURCE_EXHAUSTED ? undefined : said(outcome);
      });
      expect(found).toEqual([]);
    }));

  test('refuses a page token that it did not give, and a page larger than a thousand', () =>
    changesNothing(async () => {
      const lists = of(service).filter(({ method }) => method.input.field['pageToken']);
      expect(lists.length).toBeGreaterThan(0);
      const found = await wrongs(lists, async (one) => {
        const wrong: string[] = [];
        for (const [at, value] of [
          ['page_token', 'bm90LW91cnM'],
          ['page_size', 1001],
          ['page_size', -1],
        ] as const) {
          const leaf = [...leavesOf(one.method.input)].find((candidate) => candidate.path === at);
          const request = requestOf(one);
          if (leaf) put(request, leaf, value);
          const outcome = await call(one, encode(request), mighty(one));
          const named = outcome.failure?.violations.some(({ field }) => field === at);
          // a parent that is not there may be said first
          const absent = at === 'page_token' && outcome.code === Status.NOT_FOUND;
          if (!absent && !(outcome.code === Status.INVALID_ARGUMENT && named))
            wrong.push(`${at} ${value}: ${said(outcome)}`);
        }
        return wrong;
      });
      expect(found).toEqual([]);
    }));

  test('has changed nothing later on either', async () => {
    expect(Object.keys(before).length).toBeGreaterThan(8);
    expect(await stillTables(service)).toEqual(before);
  });
});

/** A token by the key of somebody who calls himself the gateway. */
function strangersToken(): string {
  const file = path.join(suite.data, 'keys/stranger.jwk.json');
  if (!existsSync(file)) {
    const jwk = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
    writeFileSync(file, JSON.stringify({ ...jwk, kid: 'gateway', alg: 'EdDSA' }), { mode: 0o600 });
  }
  return suite.tokenBy(file, { roles: staffRoles });
}
