import type { Call } from '@rapport/kit/rpc';
import { PartyReference, ResolveReason } from '@rapport/proto/customer/v1';
import { ListRejectReason } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import type { FactFilter } from '../fact/fact.js';
import { type Place, placesOf } from './list.js';
import type { Reference, UploadLine } from './upload-rows.js';

/** References in one question, as many as the customer service answers. */
const BATCH = 1000;

/** A line with its party, or why it has none. */
export type ResolvedLine = UploadLine & ({ place: Place } | { reason: ListRejectReason });

const {
  LIST_REJECT_REASON_PARTY_UNKNOWN: unknown,
  LIST_REJECT_REASON_AMBIGUOUS: ambiguous,
  LIST_REJECT_REASON_NOT_PERMITTED: notPermitted,
} = ListRejectReason;

const reasons: Readonly<Partial<Record<ResolveReason, ListRejectReason>>> = {
  [ResolveReason.RESOLVE_REASON_AMBIGUOUS]: ambiguous,
  [ResolveReason.RESOLVE_REASON_NOT_PERMITTED]: notPermitted,
};

function messageOf(reference: Exclude<Reference, { kind: 'party' }>): PartyReference {
  return reference.kind === 'sourceKey'
    ? { reference: { $case: 'sourceKey', value: { source: reference.source, key: reference.key } } }
    : { reference: { $case: reference.kind, value: reference.number } };
}

/**
 * Finds the parties of lines among those of a condition. Names are looked up in the facts; keys and numbers are asked of
 * the customer service in the name of the caller, who finds there only what it may see. Throws what that service throws.
 */
export async function resolveLines(
  { references, analytics }: Pick<Deps, 'references' | 'analytics'>,
  lines: readonly UploadLine[],
  where: FactFilter,
  call: Call,
): Promise<ResolvedLine[]> {
  const found = new Map<number, string | ListRejectReason>();
  const asked: { index: number; message: PartyReference }[] = [];
  for (const { index, reference } of lines) {
    if (reference.kind === 'party') found.set(index, reference.id);
    else asked.push({ index, message: messageOf(reference) });
  }
  for (let start = 0; start < asked.length; start += BATCH) {
    const batch = asked.slice(start, start + BATCH);
    const { parties } = await references.batchResolveParties(
      { references: batch.map(({ message }) => message) },
      { parent: call },
    );
    batch.forEach(({ index }, at) => {
      const answer = parties[at];
      if (answer?.party) found.set(index, answer.party.slice('parties/'.length));
      else found.set(index, (answer && reasons[answer.reason]) ?? unknown);
    });
  }
  const ids = new Set([...found.values()].filter((one) => typeof one === 'string'));
  const places = new Map((await placesOf(analytics, [...ids], where, call.signal)).map((one) => [one.party, one]));
  return lines.map((line) => {
    const one = found.get(line.index);
    const place = typeof one === 'string' ? places.get(one) : undefined;
    return place ? { ...line, place } : { ...line, reason: typeof one === 'number' ? one : unknown };
  });
}
