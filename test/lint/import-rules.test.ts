import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const root = path.resolve(__dirname, '../..');

type Tree = Record<string, string>;

/** A small tree in which every import is allowed, using each freedom the rules leave. */
const good: Tree = {
  'proto/gen/index.ts': `export const descriptorSet = 1;`,
  'proto/gen/type/v1.ts': `export const Money = 1;`,
  'proto/gen/customer/v1.ts': `import { Money } from '../type/v1.js'; export const Party = Money;`,
  'services/kit/src/db/index.ts': `export { pool } from './pool.js';`,
  'services/kit/src/db/pool.ts': `import pg from 'pg'; export const pool = pg;`,
  'services/kit/src/rpc/index.ts': `export { serve } from './serve.js';`,
  'services/kit/src/rpc/serve.ts': `import { pool } from '../db/index.js'; import { Money } from '@rapport/proto/type/v1'; export const serve = [pool, Money];`,
  'services/customer/src/main.ts': `import { config } from './config.js'; import { routes } from './server.js'; routes(config);`,
  'services/customer/src/config.ts': `export interface Config { url: string } export const config: Config = { url: '' };`,
  'services/customer/src/deps.ts': `import type { Config } from './config.js'; export interface Deps { config: Config }`,
  'services/customer/src/server.ts': `import { createParty } from './party/create-party.js'; import { openHolding } from './holding/open-holding.js'; import { serve } from '@rapport/kit/rpc'; export const routes = (config: unknown) => [config, createParty, openHolding, serve];`,
  'services/customer/src/gen/client.ts': `export const prisma = 1;`,
  'services/customer/src/party/party.ts': `import { Party } from '@rapport/proto/customer/v1'; export const nameOf = () => Party;`,
  'services/customer/src/party/create-party.ts': `import type { Deps } from '../deps.js'; import { prisma } from '../gen/client.js'; import { nameOf } from './party.js'; export const createParty = (deps: Deps) => [deps, prisma, nameOf];`,
  'services/customer/src/party/create-party.test.ts': `import { testDatabase } from '@rapport/test/kit'; import { openHolding } from '../holding/open-holding.js'; import { party } from './party.testkit.js'; testDatabase(openHolding, party);`,
  'services/customer/src/party/party.testkit.ts': `export const party = 1;`,
  'services/customer/src/holding/open-holding.ts': `import { nameOf } from '../party/party.js'; export const openHolding = nameOf;`,
  'services/marketing/src/main.ts': `import { sendOffer } from './offer/offer.js'; sendOffer();`,
  'services/marketing/src/offer/offer.ts': `export const sendOffer = () => 1;`,
  'services/gateway/src/main.ts': `import { serve } from '@rapport/kit/rpc'; serve;`,
  'test/kit/index.ts': `export const testDatabase = (...all: unknown[]) => all;`,
  'test/journey/import.test.ts': `import { testDatabase } from '@rapport/test/kit'; import { pool } from '@rapport/kit/db'; testDatabase(pool);`,
};

/** For every rule the smallest change to the good tree that breaks this rule and no other. */
const broken: Record<string, Tree> = {
  '01-no-cycle': {
    'services/marketing/src/offer/offer.ts': `import { price } from './price.js'; export const sendOffer = () => price;`,
    'services/marketing/src/offer/price.ts': `import { sendOffer } from './offer.js'; export const price = () => sendOffer;`,
  },
  '02-no-orphan': { 'services/marketing/src/offer/forgotten.ts': `export const forgotten = 1;` },
  '03-no-service-to-service': {
    'services/marketing/src/offer/offer.ts': `import { nameOf } from '../../../customer/src/party/party.js'; export const sendOffer = nameOf;`,
  },
  '04-kit-knows-no-domain': {
    'services/kit/src/rpc/serve.ts': `import { pool } from '../db/index.js'; import { Party } from '@rapport/proto/customer/v1'; export const serve = [pool, Party];`,
  },
  '05-kit-by-its-doors': {
    'services/marketing/src/offer/offer.ts': `import { pool } from '@rapport/kit/db/pool'; export const sendOffer = () => pool;`,
  },
  '05-kit-rooms-by-their-doors': {
    'services/kit/src/rpc/serve.ts': `import { pool } from '../db/pool.js'; export const serve = pool;`,
  },
  '06-test-kit-in-tests-only': {
    'services/marketing/src/offer/offer.ts': `import { testDatabase } from '@rapport/test/kit'; export const sendOffer = () => testDatabase();`,
  },
  '07-journeys-import-no-service': {
    'test/journey/import.test.ts': `import { nameOf } from '../../services/customer/src/party/party.js'; nameOf();`,
  },
  '08-main-is-the-root': {
    'services/marketing/src/offer/offer.ts': `export const sendOffer = () => 1;`,
    'services/marketing/src/offer/offer.test.ts': `import '../main.js';`,
  },
  '09-only-main-imports-config': {
    'services/customer/src/party/party.ts': `import { config } from '../config.js'; export const nameOf = () => config;`,
  },
  '10-across-features-the-noun': {
    'services/customer/src/holding/open-holding.ts': `import { createParty } from '../party/create-party.js'; export const openHolding = createParty;`,
  },
  '11-gateway-without-database': {
    'services/gateway/src/main.ts': `import { pool } from '@rapport/kit/db'; pool;`,
  },
  '12-generated-imports-nothing-of-ours': {
    'services/customer/src/gen/client.ts': `import { nameOf } from '../party/party.js'; export const prisma = nameOf;`,
  },
};

describe('the import rules', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(path.join(tmpdir(), 'rapport-imports-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  function violated(tree: Tree): string[] {
    for (const [file, text] of Object.entries(tree)) {
      mkdirSync(path.dirname(path.join(dir, file)), { recursive: true });
      writeFileSync(path.join(dir, file), `${text}\n`);
    }
    const script = path.join(root, 'scripts/check-imports.mjs');
    const answer = spawnSync(process.execPath, [script, dir, '--json'], { encoding: 'utf8' });
    if (!answer.stdout.startsWith('[')) throw new Error(answer.stderr);
    const violations = JSON.parse(answer.stdout) as { rule: string }[];
    expect(answer.status).toBe(violations.length > 0 ? 1 : 0);
    return [...new Set(violations.map(({ rule }) => rule))];
  }

  it('let a good tree pass', () => {
    expect(violated(good)).toEqual([]);
  });

  it.each(Object.entries(broken))('%s fails on what it forbids', (rule, change) => {
    expect(violated({ ...good, ...change })).toEqual([rule]);
  });

  it('each have a fixture that breaks them', () => {
    const { forbidden } = require(path.join(root, '.dependency-cruiser.cjs')) as { forbidden: { name: string }[] };
    expect(forbidden.map(({ name }) => name)).toEqual(Object.keys(broken));
  });
});
