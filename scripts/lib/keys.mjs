// The local keys of a bank on one machine: who may sign tokens, and the key that wraps the customers' keys.
import { createPrivateKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Everybody who signs tokens on a local machine: the gateway and the operator for people, each service for itself. */
export const identities = [
  'gateway',
  'operator',
  'customer',
  'segmentation',
  'marketing',
  'cases',
  'performance',
  'reporting',
];

const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'));

/**
 * Writes what is missing in `dir`: `<identity>.jwk.json` (private, EdDSA, its `kid` is the identity), `jwks.json` (all
 * public halves) and `key-encryption-key` (32 random bytes in base64). Keys that exist are kept.
 */
export function writeKeys(dir) {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const keys = identities.map((identity) => {
    const file = path.join(dir, `${identity}.jwk.json`);
    if (!existsSync(file)) {
      const jwk = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
      writeFileSync(file, `${JSON.stringify({ ...jwk, kid: identity, alg: 'EdDSA', use: 'sig' })}\n`, { mode: 0o600 });
    }
    const { d: _secret, ...open } = readJson(file);
    return open;
  });
  writeFileSync(path.join(dir, 'jwks.json'), `${JSON.stringify({ keys }, null, 2)}\n`);
  const wrapping = path.join(dir, 'key-encryption-key');
  if (!existsSync(wrapping)) writeFileSync(wrapping, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
}

/** A signed token (JWT, EdDSA) with these claims, by the private key in `keyFile`, whose `kid` becomes the issuer. */
export function signToken(keyFile, claims, lifetimeSeconds = 300) {
  const jwk = readJson(keyFile);
  const now = Math.floor(Date.now() / 1000);
  const body = { iss: jwk.kid, aud: 'rapport', iat: now, exp: now + lifetimeSeconds, ...claims };
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part({ alg: 'EdDSA', typ: 'JWT', kid: jwk.kid })}.${part(body)}`;
  return `${text}.${sign(null, Buffer.from(text), createPrivateKey({ key: jwk, format: 'jwk' })).toString('base64url')}`;
}
