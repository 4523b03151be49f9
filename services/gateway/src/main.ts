import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join, resolve } from 'node:path';
import {
  createHealth,
  createLogger,
  parseAddress,
  runUntilSignal,
  serveOps,
  systemClock,
  tlsOf,
} from '@rapport/kit/runtime';
import { metricsHandler, stopTelemetry } from '@rapport/kit/telemetry';
import { descriptorSet } from '@rapport/proto';
import { type Config, demoConfig, gatewayConfig } from './config.js';
import type { Deps } from './deps.js';
import { openIdentity } from './identity/identity.js';
import { limitAttempts } from './limits/limits.js';
import { type EmbeddedProvider, embedProvider } from './provider/provider.js';
import { writeDemoUsers } from './provider/users.js';
import { createApp } from './server.js';
import { createSessions, readSessionKeys } from './session/session.js';
import { openProvider, type Provider } from './signin/signin.js';
import { readContract } from './transcoding/transcoding.js';
import { openUpstream } from './upstream/upstream.js';

const domains = ['customer', 'segmentation', 'marketing', 'cases', 'performance', 'reporting'] as const;

function addressesOf(config: Config): Record<string, string> {
  const pairs = domains.map((domain) => {
    const name = `${domain.toUpperCase()}_ADDRESS` as `${Uppercase<(typeof domains)[number]>}_ADDRESS`;
    return [domain, config[name]] as const;
  });
  return Object.fromEntries(pairs.filter((pair): pair is [(typeof domains)[number], string] => pair[1] !== undefined));
}

function providerFor(config: Config, embedded: EmbeddedProvider | undefined): Provider {
  return openProvider({
    issuer: embedded?.issuer ?? (config.OIDC_ISSUER as URL),
    clientId: embedded?.clientId ?? config.OIDC_CLIENT_ID,
    clientSecret: embedded?.clientSecret ?? config.OIDC_CLIENT_SECRET,
    scope: embedded ? 'openid profile rapport' : config.OIDC_SCOPE,
    prompt: embedded ? 'login' : config.OIDC_PROMPT,
    audience: config.OIDC_AUDIENCE,
    roleNames: config.OIDC_ROLE_NAMES,
    claims: {
      staffId: embedded ? 'staff_id' : config.OIDC_STAFF_ID_CLAIM,
      name: embedded ? 'name' : config.OIDC_NAME_CLAIM,
      roles: embedded ? 'roles' : config.OIDC_ROLES_CLAIM,
      organisationPath: embedded ? 'org_path' : config.OIDC_ORGANISATION_PATH_CLAIM,
      team: embedded ? 'team' : config.OIDC_TEAM_CLAIM,
      language: embedded ? 'locale' : config.OIDC_LANGUAGE_CLAIM,
    },
    redirectUri: new URL('/auth/callback', config.PUBLIC_URL),
    signedOutUri: new URL('/', config.PUBLIC_URL),
  });
}

/** Comments of the contract, generated beside the descriptor image; the API document goes without where they are not. */
function readComments(): Record<string, string> {
  const file = join(require.resolve('@rapport/proto'), '..', '..', 'comments.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>) : {};
}

function ownVersion(): string {
  return (
    JSON.parse(readFileSync(join(__dirname, '..', 'package.json'), 'utf8')) as {
      version: string;
    }
  ).version;
}

async function serve(config: Config): Promise<void> {
  const logger = createLogger({ service: 'gateway', level: config.LOG_LEVEL });
  const health = createHealth();
  health.set('http', false);
  const ops = await serveOps({
    address: config.OPS_ADDRESS,
    health,
    metrics: metricsHandler,
  });

  const attempts = limitAttempts(config.PASSWORD_LIMIT_PER_MINUTE);
  const embedded = config.OIDC_ISSUER
    ? undefined
    : await embedProvider(config.PUBLIC_URL, config.DEMO_USERS_FILE as string, attempts);
  const sessionSettings = {
    idleSeconds: config.SESSION_IDLE_SECONDS,
    absoluteSeconds: config.SESSION_ABSOLUTE_SECONDS,
    secure: config.PUBLIC_URL.protocol === 'https:',
  };
  const console = resolve(config.CONSOLE_DIRECTORY ?? join(__dirname, '..', '..', 'console', 'dist'));
  const contract = readContract(descriptorSet(), [...domains]);
  const deps: Deps = {
    clock: systemClock,
    contract,
    upstream: openUpstream(addressesOf(config), contract.bindings, tlsOf(config)),
    identity: openIdentity(config.GATEWAY_KEY_FILE, systemClock),
    sessions: createSessions(readSessionKeys(config.SESSION_KEY_FILE), sessionSettings, systemClock),
    provider: providerFor(config, embedded),
    settings: {
      publicUrl: config.PUBLIC_URL,
      callTimeoutMs: config.CALL_TIMEOUT_MS,
      streamTimeoutMs: config.STREAM_TIMEOUT_MS,
      userLimit: config.USER_LIMIT_PER_MINUTE,
      addressLimit: config.ADDRESS_LIMIT_PER_MINUTE,
      trustedProxies: config.TRUSTED_PROXIES,
      consoleDirectory: console,
    },
  };
  const app = createApp(deps, {
    embedded: embedded?.router,
    comments: readComments(),
    version: ownVersion(),
  });
  const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000, maxHeaderSize: 16_384 }, app);
  server.keepAliveTimeout = 65_000;
  server.listen(parseAddress(config.HTTP_ADDRESS));
  await once(server, 'listening');
  health.set('http', true);
  logger.info({ http: config.HTTP_ADDRESS, embeddedProvider: embedded !== undefined }, 'the gateway serves');

  const closeServer = async (): Promise<void> => {
    const closed = once(server, 'close');
    server.close();
    server.closeIdleConnections();
    await closed;
  };
  const closeUpstream = async (): Promise<void> => deps.upstream.close();
  await runUntilSignal([closeServer, closeUpstream, () => ops.stop(), stopTelemetry], {
    drainMs: config.DRAIN_MS,
    health,
  });
}

async function main(): Promise<void> {
  const [command, file] = process.argv.slice(2);
  if (command === 'demo-users' && file !== undefined) {
    const { DEMO_PASSWORD, DEMO_ORGANISATION_PATH } = demoConfig();
    await writeDemoUsers(file, DEMO_ORGANISATION_PATH, DEMO_PASSWORD);
    return;
  }
  // The gateway keeps nothing in a database; accepted so that every service is started the same way.
  if (command === 'migrate') return;
  await serve(gatewayConfig());
}

main().catch((error: unknown) => {
  process.stderr.write(`gateway: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
