// Against a small server that does what the documentation of Vault's transit engine says of encrypt and decrypt, with
// real AES-GCM: no Vault runs here.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fieldCipher, newKeyRing, rotateKeyRing, sealKeyRing, vaultKeyRing, type VaultOptions } from './index.js';

const master = randomBytes(32);
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
  const cipher = createCipheriv('aes-256-gcm', master, nonce);
  const body = Buffer.concat([cipher.update(Buffer.from(plaintext, 'base64')), cipher.final()]);
  return `vault:v1:${Buffer.concat([nonce, body, cipher.getAuthTag()]).toString('base64')}`;
}
function decrypt(ciphertext: string): string {
  const bytes = Buffer.from(ciphertext.replace('vault:v1:', ''), 'base64');
  const decipher = createDecipheriv('aes-256-gcm', master, bytes.subarray(0, 12));
  decipher.setAuthTag(bytes.subarray(-16));
  return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]).toString('base64');
}

beforeAll(async () => {
  writeFileSync(tokenFile, 'the-token\n');
  server = createServer((request, response) => {
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
      const results = items.map(({ plaintext, ciphertext }) => {
        try {
          return request.url === '/v1/transit/encrypt/rapport'
            ? { ciphertext: encrypt(plaintext ?? '') }
            : { plaintext: decrypt(ciphertext ?? '') };
        } catch {
          return { error: 'cipher: message authentication failed' };
        }
      });
      response.writeHead(200).end(JSON.stringify({ data: { batch_results: results } }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  options = { address: `http://127.0.0.1:${port}`, key: 'rapport', tokenFile, timeoutMs: 300 };
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
