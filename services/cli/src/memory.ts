import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { Clients } from './clients.js';
import { OperatorError, type Suite } from './suite.js';

const schema = z.object({ bank: z.string().regex(/^[a-z][a-z0-9-]{0,39}$/) });
const DEMO = 'demo';

const file = (suite: Suite): string => path.join(suite.folder, 'cli.json');

/** Keeps which bank the operator worked with last. */
export function rememberBank(suite: Suite, bank: string): void {
  writeFileSync(file(suite), `${JSON.stringify({ bank })}\n`);
}

/**
 * The bank that a command speaks of: the one named, else the one of the last story, else the only bank beside the demo,
 * else the demo. Throws an OperatorError when several banks are there and none is named.
 */
export async function currentBank(suite: Suite, clients: Clients, named: string | undefined): Promise<string> {
  if (named) return named;
  if (existsSync(file(suite))) {
    const parsed = schema.safeParse(JSON.parse(readFileSync(file(suite), 'utf8')));
    if (parsed.success) return parsed.data.bank;
  }
  const { organisationUnits } = await clients.performance.listUnits({
    root: '',
    kind: 1,
    pageSize: 100,
    pageToken: '',
  });
  const banks = organisationUnits.map((unit) => unit.organisationPath.slice(1)).filter((bank) => bank !== DEMO);
  if (banks.length > 1) throw new OperatorError(`several banks are here (${banks.join(', ')}); name one with --bank`);
  return banks[0] ?? DEMO;
}
