import type { Clients } from '../clients.js';
import { print, table } from '../output.js';
import { openProgress, type Progress } from '../progress.js';
import { chosenServices, OperatorError, type ServiceName } from '../suite.js';

/** Records that one call walks: two seconds at 90,000 a second, so that the progress moves. */
const STEP = 200_000n;
const TIMEOUT_MS = 120_000;

/** What the audit of one service turned out to be. */
interface Verdict {
  readonly service: ServiceName;
  readonly ok: boolean;
  readonly records: bigint;
  readonly unsealed: bigint;
  readonly roots: bigint;
  /** The position that the walk began at: that of `--from`, or a little before, behind a signed root. */
  readonly first: bigint;
  /** The first record that is not as it was sealed. */
  readonly broken?: { sequence: bigint; record: string; reason: string; time: string };
}

const explained: Record<string, string> = {
  MISSING: 'is missing',
  HASH_MISMATCH: 'is not what was sealed there',
  ROOT_MISMATCH: 'does not fit the signed root: the chain was rewritten up to it',
  SIGNATURE_INVALID: 'has a root that its key did not sign',
};

/** Walks the chain of one service from a position to its end, part by part. */
async function walk(
  clients: Pick<Clients, 'operations'>,
  service: ServiceName,
  from: bigint,
  progress: Progress,
): Promise<Verdict> {
  const ask = (fromSequence: bigint) =>
    clients.operations[service].verifyAudit(
      { name: `services/${service}`, fromSequence, maxRecords: STEP },
      { timeoutMs: TIMEOUT_MS },
    );
  let answer = await ask(from);
  const first = answer.firstSequence;
  let { records, roots } = answer;
  const step = progress.step(`audit of ${service}`, Number(answer.lastSequence - first + 1n));
  step.advance(Number(records));
  while (answer.nextSequence > 0n) {
    const at = answer.nextSequence;
    answer = await ask(at);
    // A part begins at the signed root before it: what lies between was counted already.
    const again = at - answer.firstSequence;
    records += answer.records - again;
    roots += answer.roots;
    step.advance(Number(answer.records - again));
  }
  const { broken, unsealed } = answer;
  step.done(broken ? 'broken' : 'whole');
  return {
    service,
    ok: broken === undefined,
    records,
    unsealed,
    roots,
    first,
    ...(broken && {
      broken: {
        sequence: broken.sequence,
        record: broken.record,
        reason: broken.reason,
        time: broken.recordTime?.toISOString() ?? '',
      },
    }),
  };
}

/**
 * `rapport audit verify`: walks the hash chain of the audit of each service and names its first broken record. With
 * `from`, which is for one service, it begins at the signed root before that record.
 */
export async function verifyAudit(
  clients: Pick<Clients, 'operations'>,
  flags: { service?: string; from?: string; json?: boolean },
): Promise<void> {
  const verdicts: Verdict[] = [];
  if (flags.from !== undefined && !/^[1-9]\d{0,17}$/.test(flags.from))
    throw new OperatorError(`--from is the position of a record in the chain, from 1; ${flags.from} is none`);
  if (flags.from !== undefined && !flags.service)
    throw new OperatorError('--from needs --service: each service has a chain of its own');
  const progress = openProgress(flags.json === true);
  for (const service of chosenServices(flags)) {
    verdicts.push(await walk(clients, service, BigInt(flags.from ?? 1), progress));
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
