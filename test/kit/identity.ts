import path from 'node:path';
import { loadScript, testRun } from './run.js';

/** Who signs on a machine: people's tokens come from the gateway or the operator, a service signs its own. */
export type Identity =
  | 'gateway'
  | 'operator'
  | 'customer'
  | 'segmentation'
  | 'marketing'
  | 'cases'
  | 'performance'
  | 'reporting';

/** The keys that servers under test trust. */
export interface TestAuth {
  /** The public keys of every identity. */
  jwksFile: string;
  /** 32 random bytes in base64, to wrap customers' keys with. */
  keyEncryptionKeyFile: string;
  /** The private key of an identity, as a JWK file. */
  keyFile(identity: Identity): string;
}

/** The keys of this test run. */
export function testAuth(): TestAuth {
  const keys = path.join(testRun().dir, 'keys');
  return {
    jwksFile: path.join(keys, 'jwks.json'),
    keyEncryptionKeyFile: path.join(keys, 'key-encryption-key'),
    keyFile: (identity) => path.join(keys, `${identity}.jwk.json`),
  };
}

/** The claims of a token; what is left out makes an employee at the root of the organisation, signed by the gateway. */
export interface TokenClaims {
  sub?: string;
  roles: string[];
  /** The organisation path, such as `/berka/prague/1`; `/` is everything. */
  orgPath?: string;
  typ?: 'staff' | 'service';
  /** Whose key signs. A service's own key may sign nothing but tokens of type `service`. */
  signedBy?: Identity;
  /** May be negative, for a token that has ended. */
  lifetimeSeconds?: number;
  /** Claims added as they are, replacing those above; for tests that forge. */
  claims?: Record<string, unknown>;
}

interface KeyScript {
  signToken(keyFile: string, claims: Record<string, unknown>, lifetimeSeconds?: number): string;
}

/** A signed bearer token for a call to a server under test. */
export function testToken(wish: TokenClaims): string {
  const { sub = 'staff/tester', roles, orgPath = '/', typ = 'staff', signedBy = 'gateway', claims = {} } = wish;
  const { signToken } = loadScript<KeyScript>('keys');
  const all = { sub, roles, org_path: orgPath, typ, ...claims };
  return signToken(testAuth().keyFile(signedBy), all, wish.lifetimeSeconds);
}

/** The token a service signs for itself, with its own key. */
export function serviceToken(service: Exclude<Identity, 'gateway' | 'operator'>): string {
  return testToken({ sub: `service:${service}`, roles: ['service'], typ: 'service', signedBy: service });
}
