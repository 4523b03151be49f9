import type { Clock } from '@rapport/kit/runtime';
import type { Identity } from './identity/identity.js';
import type { Sessions } from './session/session.js';
import type { Provider } from './signin/signin.js';
import type { Contract } from './transcoding/transcoding.js';
import type { Upstream } from './upstream/upstream.js';

export interface Settings {
  /** The origin under which browsers see the gateway. */
  publicUrl: URL;
  /** Deadline of a call to a service. */
  callTimeoutMs: number;
  /** Deadline of a download. */
  streamTimeoutMs: number;
  /** Calls a minute that one person or machine may make, and that one network address may make. */
  userLimit: number;
  addressLimit: number;
  /** Proxies in front whose X-Forwarded-For counts. */
  trustedProxies: number;
  /** The built console; absent, only the API is served. */
  consoleDirectory?: string | undefined;
}

export interface Deps {
  clock: Clock;
  contract: Contract;
  upstream: Upstream;
  identity: Identity;
  sessions: Sessions;
  provider: Provider;
  settings: Settings;
}
