import { signer } from '@rapport/kit/rpc';
import type { Clock } from '@rapport/kit/runtime';
import type { Caller } from '../session/session.js';

/** Vouches for a caller towards the services. */
export interface Identity {
  /** A staff token for the caller, valid for a minute: long enough to start a call, useless afterwards. */
  tokenFor(caller: Caller): Promise<string>;
}

const lifetimeMs = 60_000;
// Services remember the tokens they checked, so the same one is used again while it has enough of its life left.
const reuseMs = 30_000;
const remembered = 10_000;

/** Opens the gateway's private key, a JWK file whose `kid` is the issuer of its tokens. */
export function openIdentity(keyFile: string, clock: Clock): Identity {
  const key = signer(keyFile);
  const tokens = new Map<string, { token: Promise<string>; until: number }>();
  return {
    async tokenFor({ subject, roles, organisationPath, team }) {
      const now = clock.now().getTime();
      const name = JSON.stringify([subject, roles, organisationPath, team]);
      const known = tokens.get(name);
      if (known && now < known.until) return await known.token;
      if (tokens.size >= remembered) tokens.clear();
      const token = key.sign({ typ: 'staff', sub: subject, roles, orgPath: organisationPath, team }, lifetimeMs);
      tokens.set(name, { token, until: now + reuseMs });
      return await token;
    },
  };
}
