import { readFileSync, statSync } from 'node:fs';
import { Agent, request as httpsRequest } from 'node:https';
import { request as httpRequest } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { every, type Running } from '../runtime/index.js';
import { type KeyRing, openWrappedRing, rewrapRing, rotateWrappedRing, wrapRing } from './keys.js';

/** Where the transit secrets engine of HashiCorp Vault (or OpenBao) is, and which of its keys wraps ours. */
export interface VaultOptions {
  /** `https://vault.bank.example:8200` */
  address: string;
  /** The name of the transit key. */
  key: string;
  /** The file that holds the token; read at each request, so that an agent may renew it. */
  tokenFile: string;
  /** Certificates of the authority that signed Vault's; the system's unless told. */
  caFile?: string | undefined;
  /** The path under which the engine is mounted, `transit` unless told. */
  mount?: string;
  /** How long one request may take, 5,000 ms unless told. */
  timeoutMs?: number;
}

const ATTEMPTS = 5;

class VaultError extends Error {
  constructor(
    message: string,
    readonly again: boolean,
  ) {
    super(message);
  }
}

interface Answer {
  data?: { batch_results?: { plaintext?: string; ciphertext?: string; error?: string }[] };
}

function post(options: VaultOptions, operation: string, body: object): Promise<Answer> {
  const { address, key, tokenFile, caFile, mount = 'transit', timeoutMs = 5000 } = options;
  const url = new URL(`/v1/${mount}/${operation}/${encodeURIComponent(key)}`, address);
  const secure = url.protocol === 'https:';
  const payload = Buffer.from(JSON.stringify(body));
  return new Promise((resolve, reject) => {
    const call = (secure ? httpsRequest : httpRequest)(
      url,
      {
        method: 'POST',
        timeout: timeoutMs,
        headers: {
          'content-type': 'application/json',
          'content-length': payload.length,
          'x-vault-token': readFileSync(tokenFile, 'utf8').trim(),
        },
        ...(secure && caFile !== undefined && { agent: new Agent({ ca: readFileSync(caFile) }) }),
      },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', () => reject(new VaultError('the key service broke off its answer', true)));
        response.on('end', () => {
          const { statusCode = 0 } = response;
          // 412 and 429: a standby that lags, too many requests; 5xx: sealed, or something before it is away.
          if (statusCode !== 200)
            reject(
              new VaultError(
                `the key service answered ${statusCode}`,
                statusCode >= 500 || statusCode === 412 || statusCode === 429,
              ),
            );
          else resolve(JSON.parse(Buffer.concat(parts).toString()) as Answer);
        });
      },
    );
    call.on('timeout', () => call.destroy(new VaultError('the key service did not answer in time', true)));
    call.on('error', (error) =>
      reject(error instanceof VaultError ? error : new VaultError('the key service cannot be reached', true)),
    );
    call.end(payload);
  });
}

/** One batch to Vault, tried again with growing pauses while it is away. Errors name no key and no token. */
async function batch(
  options: VaultOptions,
  operation: 'encrypt' | 'decrypt' | 'rewrap',
  items: object[],
): Promise<string[]> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { data } = await post(options, operation, { batch_input: items });
      const results = data?.batch_results ?? [];
      if (results.length !== items.length || results.some(({ error }) => error)) {
        throw new VaultError(`the key service did not ${operation} every key`, false);
      }
      return results.map(({ plaintext, ciphertext }) => plaintext ?? ciphertext ?? '');
    } catch (error) {
      if (!(error instanceof VaultError) || !error.again || attempt === ATTEMPTS) throw error;
      await sleep(100 * 3 ** (attempt - 1));
    }
  }
}

/** The text of a key-encryption-key file whose keys Vault has wrapped; `text` is one as `newKeyRing` makes it. */
export function sealKeyRing(text: string, options: VaultOptions): Promise<string> {
  return wrapRing(text, (keys) =>
    batch(
      options,
      'encrypt',
      keys.map((key) => ({ plaintext: key.toString('base64') })),
    ),
  );
}

/**
 * The text of a wrapped file with every key wrapped by the newest version of Vault's key, after that was rotated there.
 * Vault does it inside (`transit/rewrap`): no key leaves it in the clear. Then the old version may be shut off
 * (`min_decryption_version`). Party keys do not change with it.
 */
export function rewrapKeyRing(text: string, options: VaultOptions): Promise<string> {
  return rewrapRing(text, (keys) =>
    batch(
      options,
      'rewrap',
      keys.map((ciphertext) => ({ ciphertext })),
    ),
  );
}

/** The text of a wrapped file with a new current key, named `id`; only the new key is here in the clear, and not kept. */
export function rotateWrappedKeyRing(text: string, id: string, options: VaultOptions): Promise<string> {
  return rotateWrappedRing(text, id, async (key) => {
    const [wrapped = ''] = await batch(options, 'encrypt', [{ plaintext: key.toString('base64') }]);
    return wrapped;
  });
}

/**
 * Opens a key-encryption-key file whose keys are wrapped by Vault: an envelope in an envelope. Vault is asked once at the
 * start and whenever the file changes, never for a party, so that opening a sealed field costs no request and a Vault
 * that is away stops no service that runs. Rejects when the file cannot be opened at the start; later a change that cannot
 * be opened is logged and tried again, and what was opened before goes on to serve.
 */
export async function vaultKeyRing(
  file: string,
  options: VaultOptions,
  lookMs = 10_000,
): Promise<Running & { ring: () => KeyRing }> {
  const open = (): Promise<KeyRing> =>
    openWrappedRing(file, async (keys) => {
      const clear = await batch(
        options,
        'decrypt',
        keys.map((ciphertext) => ({ ciphertext })),
      );
      return clear.map((text) => Buffer.from(text, 'base64'));
    });
  const stamp = (): number => statSync(file).mtimeMs;
  let seen = stamp();
  let ring = await open();
  const looking = every('key-encryption keys', lookMs, async () => {
    const now = stamp();
    if (now === seen) return;
    ring = await open();
    seen = now;
  });
  return { ring: () => ring, stop: () => looking.stop() };
}
