import { Failure } from '@rapport/kit/rpc';
import { CountedRulePart } from '@rapport/proto/segmentation/v1';
import { isDay, isoDate, type PlainDate } from '../bank/bank.js';
import type { Clients } from '../clients.js';
import { currentBank } from '../memory.js';
import { print } from '../output.js';
import { OperatorError, type Suite } from '../suite.js';

export interface PreviewFlags {
  readonly rule: string;
  readonly asOf?: string;
  readonly bank?: string;
  readonly sample?: string;
  readonly parts?: boolean;
  readonly json?: boolean;
}

export function readDay(text: string): PlainDate {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  const date = match && { year: Number(match[1]), month: Number(match[2]), day: Number(match[3]) };
  if (!date || !isDay(date)) throw new OperatorError(`"${text}" is no day; write it 1994-03-31`);
  return date;
}

/** What is wrong with a rule, for the person who wrote it. */
function unsound(error: unknown): never {
  if (!(error instanceof Failure) || error.kind !== 'invalid') throw error;
  const where = error.violations.map((one) => `${one.field}: ${one.description}`).join('\n');
  throw new OperatorError([error.message, where].filter(Boolean).join('\n'));
}

/**
 * `rapport segment preview`: how many parties of the bank a rule matches at the end of a day, and some of them. With
 * `--parts`, and where it matches nobody, how many match each part of it and what is doubtful about that.
 */
export async function segmentPreview(suite: Suite, clients: Clients, flags: PreviewFlags): Promise<void> {
  const bank = await currentBank(suite, clients, flags.bank);
  const asked = {
    rule: flags.rule,
    ...(flags.asOf && { asOf: readDay(flags.asOf) }),
    organisationPath: `/${bank}`,
  };
  const answer = await clients.segmentation
    .previewSegment({ ...asked, sampleSize: flags.sample ? Number(flags.sample) : 10 })
    .catch(unsound);
  const counted = flags.parts || answer.count === 0n ? await clients.insight.countRuleParts(asked) : undefined;
  const day = answer.asOf ? isoDate(answer.asOf) : '';
  const parts = counted?.parts.map((one) => CountedRulePart.toJSON(one));
  print(
    flags.json === true,
    {
      count: Number(answer.count),
      sample: answer.sample,
      sql_ms: answer.sqlMs,
      as_of: day,
      bank,
      ...(parts && { parts }),
    },
    function* () {
      yield `${answer.count} parties of ${bank} as of ${day} (${answer.sqlMs.toFixed(1)} ms)`;
      for (const party of answer.sample) yield `  ${party}`;
      for (const { depth, description, count, doubts } of counted?.parts ?? []) {
        yield `${'  '.repeat(depth + 1)}${count}  ${description}`;
        for (const { message } of doubts) yield `${'  '.repeat(depth + 2)}! ${message}`;
      }
    },
  );
}
