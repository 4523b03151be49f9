// Writes the keys that compose.yaml mounts: who signs tokens, the key that wraps customers' keys, the session key. Keys
// that exist are kept. They are readable by user 1000 of the containers, so keep the folder to yourself.
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeKeys } from '../../scripts/lib/keys.mjs';

const home = resolve(fileURLToPath(import.meta.url), '../../../.data/compose');
const keys = join(home, 'keys');
writeKeys(keys);
const session = join(keys, 'session-key');
if (!existsSync(session)) writeFileSync(session, `${randomBytes(32).toString('base64')}\n`);
chmodSync(home, 0o700);
chmodSync(keys, 0o755);
for (const file of readdirSync(keys)) chmodSync(join(keys, file), 0o644);
console.log(`keys are in ${keys}`);
