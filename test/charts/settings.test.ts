import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { leaves, root, valuesOf } from './charts.js';

/** Settings that a chart leaves alone, each with the reason. */
const left: Record<string, string> = {
  ANALYTICS_PATH: 'the embedded engine is not in the image; CLICKHOUSE_URL is given',
  AUTH_JWKS_URL: 'the public keys are mounted as a file',
  CONSOLE_DIRECTORY: 'the console lies in the image',
  DEMO_USERS_FILE: 'the embedded sign-in provider is not in the image',
  DEMO_PASSWORD: 'belongs to the command that writes demo users',
  DEMO_ORGANISATION_PATH: 'belongs to the command that writes demo users',
  PASSWORD_LIMIT_PER_MINUTE: 'belongs to the embedded sign-in provider',
  TLS_CA_FILE: 'set by the value tls.secretName',
  TLS_CERT_FILE: 'set by the value tls.secretName',
  TLS_KEY_FILE: 'set by the value tls.secretName',
};

const shared = readFileSync(join(root, 'services/kit/src/runtime/settings.ts'), 'utf8');

/** Names in a text that describes an environment, with those of the shared shapes that it spreads. */
function namesIn(source: string): string[] {
  const own = [...source.matchAll(/(?:^|\{)\s*([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+):/gm)].map(([, name]) => name ?? '');
  const spread = [...source.matchAll(/^\s+\.\.\.(\w+)(?:\.shape)?,$/gm)].flatMap(([, shape = '']) => {
    const text = new RegExp(`^export const ${shape} = [^]*?;$`, 'm').exec(shared)?.[0];
    if (text === undefined) throw new Error(`kit has no settings called ${shape}`);
    return namesIn(text);
  });
  return [...own, ...spread];
}

/** Names in the environment schema of a service. */
function settingsOf(service: string): string[] {
  const source = readFileSync(join(root, 'services', service, 'src/config.ts'), 'utf8');
  return [...new Set(namesIn(source))].sort();
}

/** Names that the chart gives the service. */
function givenTo(service: string): string[] {
  const values = valuesOf(service);
  const keys = ['config', 'peers', 'secrets', 'secretFiles'].flatMap((part) => Object.keys(values[part] ?? {}));
  const ports = Object.keys(values['ports'] ?? {}).map((port) => `${port.toUpperCase()}_ADDRESS`);
  return [...keys, ...ports].sort();
}

test.each(leaves)('the chart of %s gives every setting that the service reads, and no other', (service) => {
  const read = settingsOf(service);
  expect(read).toContain('OPS_ADDRESS');
  expect(givenTo(service).filter((name) => !read.includes(name))).toEqual([]);
  expect(read.filter((name) => !givenTo(service).includes(name) && !(name in left))).toEqual([]);
});
