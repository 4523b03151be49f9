import type { Clients } from '../clients.js';
import { print, table } from '../output.js';
import { chosenServices, type ServiceName } from '../suite.js';

/** How long the walk of one chain may take: at 90,000 records a second, some fifty million. */
const TIMEOUT_MS = 600_000;

/** What the audit of one service turned out to be. */
interface Verdict {
  readonly service: ServiceName;
  readonly ok: boolean;
  readonly records: bigint;
  readonly unsealed: bigint;
  readonly roots: bigint;
  /** The first record that is not as it was sealed. */
  readonly broken?: { sequence: bigint; record: string; reason: string; time: string };
}

const explained: Record<string, string> = {
  MISSING: 'is missing',
  HASH_MISMATCH: 'is not what was sealed there',
  ROOT_MISMATCH: 'does not fit the signed root: the chain was rewritten up to it',
  SIGNATURE_INVALID: 'has a root that its key did not sign',
};

/** `rapport audit verify`: walks the hash chain of the audit of each service and names its first broken record. */
export async function verifyAudit(
  clients: Pick<Clients, 'operations'>,
  flags: { service?: string; json?: boolean },
): Promise<void> {
  const verdicts: Verdict[] = [];
  for (const service of chosenServices(flags)) {
    const name = `services/${service}`;
    const answer = await clients.operations[service].verifyAudit({ name, fromSequence: 0n }, { timeoutMs: TIMEOUT_MS });
    const { records, unsealed, roots, broken } = answer;
    verdicts.push({
      service,
      ok: broken === undefined,
      records,
      unsealed,
      roots,
      ...(broken && {
        broken: {
          sequence: broken.sequence,
          record: broken.record,
          reason: broken.reason,
          time: broken.recordTime?.toISOString() ?? '',
        },
      }),
    });
  }
  print(flags.json === true, verdicts, function* () {
    yield* table(
      ['service', 'audit', 'records', 'not yet sealed', 'signed roots'],
      verdicts.map((one) => [
        one.service,
        one.ok ? 'whole' : 'BROKEN',
        Number(one.records),
        Number(one.unsealed),
        Number(one.roots),
      ]),
    );
    for (const { service, broken } of verdicts) {
      if (!broken) continue;
      const which = broken.record === '' ? '' : ` (${broken.record}, written ${broken.time})`;
      yield `${service}: record ${broken.sequence}${which} ${explained[broken.reason] ?? broken.reason}`;
    }
  });
  if (verdicts.some(({ ok }) => !ok)) process.exitCode = 1;
}
