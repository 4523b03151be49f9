// Against a small server over TLS that does what the documentation of Vault's transit engine says of encrypt, decrypt and
// rewrap, with real AES-GCM and versions of its key: no Vault runs here.
import { execFileSync } from 'node:child_process';
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  fieldCipher,
  newKeyRing,
  rewrapKeyRing,
  rotateKeyRing,
  rotateWrappedKeyRing,
  sealKeyRing,
  vaultKeyRing,
  type VaultOptions,
} from './index.js';

/** The versions of the transit key, and the oldest that may still decrypt. */
const masters = [randomBytes(32)];
let oldest = 1;
const folder = mkdtempSync(path.join(tmpdir(), 'vault-'));
const file = path.join(folder, 'keys.json');
const tokenFile = path.join(folder, 'token');
let server: Server;
let options: VaultOptions;
/** Statuses that the next requests get instead of an answer; 0 is none at all. */
let trouble: number[] = [];
let asked = 0;

function encrypt(plaintext: string): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', masters.at(-1) as Buffer, nonce);
  const body = Buffer.concat([cipher.update(Buffer.from(plaintext, 'base64')), cipher.final()]);
  return `vault:v${masters.length}:${Buffer.concat([nonce, body, cipher.getAuthTag()]).toString('base64')}`;
}
function decrypt(ciphertext: string): string {
  const [, version = '', body = ''] = /^vault:v(\d+):(.*)$/.exec(ciphertext) ?? [];
  if (Number(version) < oldest) throw new Error('ciphertext version is disallowed by policy (too old)');
  const bytes = Buffer.from(body, 'base64');
  const decipher = createDecipheriv('aes-256-gcm', masters[Number(version) - 1] as Buffer, bytes.subarray(0, 12));
  decipher.setAuthTag(bytes.subarray(-16));
  return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]).toString('base64');
}
const answers: Record<string, (item: { plaintext?: string; ciphertext?: string }) => object> = {
  '/v1/transit/encrypt/rapport': ({ plaintext = '' }) => ({ ciphertext: encrypt(plaintext) }),
  '/v1/transit/decrypt/rapport': ({ ciphertext = '' }) => ({ plaintext: decrypt(ciphertext) }),
  '/v1/transit/rewrap/rapport': ({ ciphertext = '' }) => ({ ciphertext: encrypt(decrypt(ciphertext)) }),
};

/** An authority of its own, and a certificate of it for 127.0.0.1. */
function certificates(): void {
  const openssl = (...given: string[]): void => void execFileSync('openssl', given, { cwd: folder, stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  for (const name of ['ca', 'other'])
    openssl('req', '-x509', ...key, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.crt`);
  const server = ['-subj', '/CN=vault', '-addext', 'subjectAltName=IP:127.0.0.1', '-CA', 'ca.crt', '-CAkey', 'ca.key'];
  openssl('req', '-x509', ...key, ...server, '-keyout', 'vault.key', '-out', 'vault.crt');
}

beforeAll(async () => {
  writeFileSync(tokenFile, 'the-token\n');
  certificates();
  const pair = {
    cert: readFileSync(path.join(folder, 'vault.crt')),
    key: readFileSync(path.join(folder, 'vault.key')),
  };
  server = createServer(pair, (request, response) => {
    asked += 1;
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const status = trouble.shift();
      if (status === 0) return;
      if (status !== undefined) return void response.writeHead(status).end('{"errors":[]}');
      if (request.headers['x-vault-token'] !== 'the-token')
        return void response.writeHead(403).end('{"errors":["permission denied"]}');
      const { batch_input: items } = JSON.parse(Buffer.concat(parts).toString()) as {
        batch_input: { plaintext?: string; ciphertext?: string }[];
      };
      const answer = answers[request.url ?? ''];
      if (!answer) return void response.writeHead(404).end('{"errors":[]}');
      const results = items.map((item) => {
        try {
          return answer(item);
        } catch {
          return { error: 'cipher: message authentication failed' };
        }
      });
      response.writeHead(200).end(JSON.stringify({ data: { batch_results: results } }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  options = {
    address: `https://127.0.0.1:${port}`,
    key: 'rapport',
    tokenFile,
    caFile: path.join(folder, 'ca.crt'),
    timeoutMs: 300,
  };
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  trouble = [];
});

const row = { table: 'party', dataClass: 'C2', row: '1' };

it('opens at the start what Vault has wrapped, and asks it no more', async () => {
  const plain = newKeyRing('k1');
  writeFileSync(file, await sealKeyRing(plain, options));
  expect(readFileSync(file, 'utf8')).not.toContain((JSON.parse(plain) as { index: string }).index);
  const source = await vaultKeyRing(file, options);
  const cipher = fieldCipher({ ring: source.ring });
  const before = asked;
  const key = cipher.newKey('parties/1');
  expect(cipher.open(key, row, cipher.seal(key, row, { a: 'b' }))).toEqual({ a: 'b' });
  expect(asked).toBe(before);
  await source.stop();
});

it('takes a rotated file while it runs, also when Vault is away at first', async () => {
  const plain = newKeyRing('k1');
  writeFileSync(file, await sealKeyRing(plain, options));
  const source = await vaultKeyRing(file, options, 50);
  const cipher = fieldCipher({ ring: source.ring });
  const key = cipher.newKey('parties/1');
  const blob = cipher.seal(key, row, { a: 'b' });
  writeFileSync(file, await sealKeyRing(rotateKeyRing(plain, 'k2'), options));
  utimesSync(file, new Date(), new Date(Date.now() + 5000));
  trouble = [503, 0, 429];
  for (const end = Date.now() + 10_000; cipher.keyId(cipher.rewrap(key) ?? key) !== 'k2' && Date.now() < end; )
    await sleep(50);
  const rewrapped = cipher.rewrap(key);
  expect(cipher.keyId(rewrapped ?? key)).toBe('k2');
  expect(cipher.open(rewrapped ?? key, row, blob)).toEqual({ a: 'b' });
  await source.stop();
});

it('ends the start with a wrong token or a changed file, and says nothing of keys and tokens', async () => {
  writeFileSync(file, await sealKeyRing(newKeyRing('k1'), options));
  writeFileSync(tokenFile, 'another');
  await expect(vaultKeyRing(file, options)).rejects.toThrow('the key service answered 403');
  writeFileSync(tokenFile, 'the-token');
  const changed = readFileSync(file, 'utf8').replace(/vault:v1:..../, 'vault:v1:AAAA');
  writeFileSync(file, changed);
  await expect(vaultKeyRing(file, options)).rejects.toThrow('did not decrypt every key');
  writeFileSync(file, newKeyRing('k1').replace('"index"', '"other"'));
  await expect(vaultKeyRing(file, options)).rejects.toThrow('holds no wrapped keys');
});

it('speaks only to a Vault whose certificate its authority has signed', async () => {
  writeFileSync(file, await sealKeyRing(newKeyRing('k1'), options));
  const before = asked;
  await expect(vaultKeyRing(file, { ...options, caFile: path.join(folder, 'other.crt') })).rejects.toThrow(
    'cannot be reached',
  );
  await expect(vaultKeyRing(file, { ...options, caFile: undefined })).rejects.toThrow('cannot be reached');
  expect(asked).toBe(before);
}, 30_000);

it('adds a key and wraps all keys anew inside Vault, while what was sealed goes on to open', async () => {
  writeFileSync(file, await sealKeyRing(newKeyRing('k1'), options));
  const first = await vaultKeyRing(file, options);
  const cipher = fieldCipher({ ring: first.ring });
  const key = cipher.newKey('parties/1');
  const blob = cipher.seal(key, row, { a: 'b' });
  await first.stop();

  writeFileSync(file, await rotateWrappedKeyRing(readFileSync(file, 'utf8'), 'k2', options));
  await expect(rotateWrappedKeyRing(readFileSync(file, 'utf8'), 'k2', options)).rejects.toThrow('exists already');
  const second = await vaultKeyRing(file, options);
  const after = fieldCipher({ ring: second.ring });
  const rewrapped = after.rewrap(key);
  expect(after.keyId(rewrapped ?? key)).toBe('k2');
  expect(after.open(rewrapped ?? key, row, blob)).toEqual({ a: 'b' });
  expect(after.index('x', 'd')).toEqual(cipher.index('x', 'd'));
  await second.stop();

  masters.push(randomBytes(32));
  const old = readFileSync(file, 'utf8');
  const again = await rewrapKeyRing(old, options);
  expect(again.match(/vault:v2:/g)).toHaveLength(3);
  expect(again).not.toContain('vault:v1:');
  // The old version is shut off: the file as it was opens no more, the new one does.
  oldest = 2;
  await expect(vaultKeyRing(file, options)).rejects.toThrow('did not decrypt every key');
  writeFileSync(file, again);
  const third = await vaultKeyRing(file, options);
  expect(fieldCipher({ ring: third.ring }).open(rewrapped ?? key, row, blob)).toEqual({ a: 'b' });
  await third.stop();
  await expect(rewrapKeyRing(newKeyRing('k1').replace('"index"', '"other"'), options)).rejects.toThrow(
    'holds no wrapped keys',
  );
  oldest = 1;
});
