import { z } from 'zod';
import { analyticsRules, analyticsSettings, serviceRules, serviceSettings, timeZone, tlsOf } from './settings.js';

const schema = z
  .object({ ...serviceSettings, ...analyticsSettings, ZONE: timeZone })
  .superRefine(serviceRules)
  .superRefine(analyticsRules);

const sound = {
  DATABASE_URL: 'postgres://host/db',
  NATS_URL: 'host:4222',
  GRPC_ADDRESS: 'host:1',
  OPS_ADDRESS: 'host:2',
  AUTH_JWKS_FILE: 'jwks.json',
  ANALYTICS_PATH: 'analytics',
  ZONE: 'Europe/Prague',
};

/** The names of the settings that are refused. */
function refused(change: Record<string, string | undefined>): string[] {
  const result = schema.safeParse({ ...sound, ...change });
  return result.success ? [] : result.error.issues.map((issue) => issue.path.join('.'));
}

test('what nobody sets has a default, and nothing secret has one', () => {
  expect(schema.parse(sound)).toMatchObject({ DATABASE_POOL_SIZE: 10, GRPC_REFLECTION: false, LOG_LEVEL: 'info' });
  expect(refused({ DATABASE_URL: undefined, NATS_URL: undefined })).toEqual(['DATABASE_URL', 'NATS_URL']);
});

test('keys of callers come from a file or an address', () => {
  expect(refused({ AUTH_JWKS_FILE: undefined })).toEqual(['AUTH_JWKS_FILE']);
  expect(refused({ AUTH_JWKS_FILE: undefined, AUTH_JWKS_URL: 'https://keys' })).toEqual([]);
});

test('analytics are embedded or a server', () => {
  expect(refused({ ANALYTICS_PATH: undefined })).toEqual(['ANALYTICS_PATH']);
  expect(refused({ ANALYTICS_PATH: undefined, CLICKHOUSE_URL: 'http://clickhouse:8123' })).toEqual([]);
});

test('the files of mutual TLS go together', () => {
  const files = { TLS_CA_FILE: 'ca', TLS_CERT_FILE: 'cert', TLS_KEY_FILE: 'key' };
  expect(refused(files)).toEqual([]);
  expect(refused({ TLS_CA_FILE: 'ca' })).toEqual(['TLS_CERT_FILE', 'TLS_KEY_FILE']);
  expect(tlsOf(schema.parse({ ...sound, ...files }))).toEqual({
    caFile: 'ca',
    certificateFile: 'cert',
    keyFile: 'key',
  });
  expect(tlsOf(schema.parse(sound))).toBeUndefined();
});

test('a time zone has to be one', () => {
  expect(refused({ ZONE: 'Europe/Rapport' })).toEqual(['ZONE']);
});
