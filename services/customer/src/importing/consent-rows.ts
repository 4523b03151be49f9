import { sql } from '@rapport/kit/db';
import { publishAll } from '@rapport/kit/events';
import { uuidv7 } from '@rapport/kit/runtime';
import {
  Consent,
  ConsentChanged,
  type ConsentRow,
  ConsentState,
  ImportKind,
  SetConsentRequest,
} from '@rapport/proto/customer/v1';
import {
  consentChanged,
  consentColumns,
  consentName,
  type ConsentRecord,
  insertConsents,
  saysTheSame,
} from '../consent/consent.js';
import {
  type Batch,
  type Checked,
  contractRefusal,
  holdsNul,
  nulRefusal,
  refuse,
  settle,
  type Stream,
  unknownReference,
} from './batch.js';
import type { Refusal } from './importing.js';
import { partiesByKey } from './references.js';

const KIND = ImportKind.IMPORT_KIND_CONSENT;
const REQUEST_ID = '00000000-0000-4000-8000-000000000000';
const ANY_PARTY = 'parties/00000000-0000-0000-0000-000000000000';

/** What a consent row says; the key is that of its party. */
export type ConsentWish = Consent;

/** Judges a row by the rules that need no database. */
export function checkConsent(stream: Stream, line: bigint, row: ConsentRow): Checked<ConsentWish> | Refusal {
  const consent = Consent.fromPartial({ ...row.consent, name: '' });
  const bytes = SetConsentRequest.encode({ parent: ANY_PARTY, consent, requestId: REQUEST_ID }).finish();
  const refusal = contractRefusal(stream.deps, 'SetConsent', bytes, 'consent', consent);
  if (refusal) return refusal;
  const { effectiveTime } = consent;
  if (effectiveTime && effectiveTime > stream.deps.clock.now()) {
    const value = effectiveTime.toISOString();
    return { field: 'effective_time', reason: 'VALUE_INVALID', message: 'lies in the future', value };
  }
  const { expireTime } = consent;
  if (
    expireTime &&
    (consent.state !== ConsentState.CONSENT_STATE_GRANTED || expireTime <= (effectiveTime ?? stream.deps.clock.now()))
  ) {
    const value = expireTime.toISOString();
    return { field: 'expire_time', reason: 'VALUE_INVALID', message: 'is no later end of a grant', value };
  }
  if (holdsNul([Consent.toJSON(consent), row.partySourceKey])) return nulRefusal;
  return { line, key: row.partySourceKey, content: 0n, value: consent };
}

function place(goldenId: string, row: { purpose: string; channel: number }): string {
  return `${goldenId} ${row.purpose} ${row.channel}`;
}

/** Writes what is new in the consents of a batch; of what changed what holds, the world hears. */
export async function takeConsents(batch: Batch, rows: readonly Checked<ConsentWish>[]): Promise<void> {
  if (rows.length === 0) return;
  const { tx } = batch;
  const parties = await partiesByKey(
    batch,
    rows.map(({ key }) => key),
  );
  const ids = [...new Set([...parties.values()].map(({ goldenId }) => goldenId))];
  // The locks put what one customer says in a row, in the same order everywhere so that two imports cannot wait in a ring.
  await tx.run(sql`SELECT FROM party WHERE party_id = ANY(${ids}::uuid[]) ORDER BY party_id FOR UPDATE`);
  const known = await tx.rows<ConsentRecord & { goldenId: string }>(sql`
    SELECT DISTINCT ON (member.golden_id, c.purpose, c.channel) member.golden_id AS "goldenId", ${consentColumns}
    FROM party member CROSS JOIN LATERAL (SELECT * FROM consent c WHERE c.party_id = member.party_id OFFSET 0) c
    WHERE member.golden_id = ANY(${ids}::uuid[])
    ORDER BY member.golden_id, c.purpose, c.channel, c.effective_time DESC, c.consent_id DESC`);
  const holding = new Map<string, ConsentRecord>(known.map((row) => [place(row.goldenId, row), row]));
  const made: ConsentRecord[] = [];
  const told: ConsentRecord[] = [];
  for (const { line, key, value } of rows) {
    const party = parties.get(key);
    if (!party) {
      refuse(batch, KIND, line, unknownReference('party_source_key', key));
      continue;
    }
    const row = recordOf(batch, party, value);
    const said = place(party.goldenId, row);
    const before = holding.get(said);
    if (before && repeats(before, row, value)) {
      settle(batch, KIND, 'unchanged');
      continue;
    }
    if (revives(before, row, value)) {
      const message = 'is required of a grant after a withdrawal: say when it was given';
      refuse(batch, KIND, line, { field: 'effective_time', reason: 'EFFECTIVE_TIME_MISSING', message, value: '' });
      continue;
    }
    settle(batch, KIND, 'created');
    made.push(row);
    if (before && before.effectiveTime > row.effectiveTime) continue;
    holding.set(said, row);
    if (before?.state !== row.state) told.push(row);
  }
  if (made.length === 0) return;
  await insertConsents(tx, made);
  const events = told.map((row) => ({
    message: consentChanged(row),
    options: { aggregate: row.partyId, subject: consentName(row) },
  }));
  await publishAll(tx, ConsentChanged, events);
}

function recordOf(
  batch: Batch,
  party: { partyId: string; organisationPath: string; manager: string },
  { purpose, channel, state, textVersion, proof, effectiveTime, expireTime }: Consent,
): ConsentRecord {
  const { partyId, organisationPath, manager } = party;
  return {
    partyId,
    purpose,
    channel,
    effectiveTime: effectiveTime ?? batch.now,
    consentId: uuidv7(),
    state,
    textVersion,
    proof,
    recordedBy: batch.subject,
    organisationPath,
    manager,
    createTime: batch.now,
    expireTime: expireTime ?? null,
  };
}

/**
 * Whether a grant that does not say when it was given would undo a withdrawal: a source that states each night what it
 * has on file must not take back what the customer has said elsewhere since.
 */
function revives(before: ConsentRecord | undefined, row: ConsentRecord, said: Consent): boolean {
  const { CONSENT_STATE_GRANTED, CONSENT_STATE_WITHDRAWN } = ConsentState;
  return !said.effectiveTime && row.state === CONSENT_STATE_GRANTED && before?.state === CONSENT_STATE_WITHDRAWN;
}

function repeats(before: ConsentRecord, row: ConsentRecord, said: Consent): boolean {
  if (said.effectiveTime && before.effectiveTime.getTime() !== said.effectiveTime.getTime()) return false;
  return saysTheSame(before, row);
}
