import { everything, inWords, type Queryable, rowsWith, sql, tablesWith } from '@rapport/kit/db';
import type { PersonalRow } from '@rapport/kit/events';
import {
  BehaviourKind,
  CaseStepKind,
  ConsentState,
  DataSubjectRequestKind,
  DataSubjectRequestState,
  ExtensionReason,
  GoalKind,
  GoalState,
  HoldingKind,
  HoldingRole,
  HoldingStatus,
  HouseholdKind,
  HouseholdRole,
  IdentityCheck,
  InteractionDirection,
  LifeEventCertainty,
  LifeEventKind,
  MeasureKind,
  MergeDecision,
  Party,
  RefusalReason,
  RelationshipKind,
  RevealReason,
  TagSource,
  TimelineEntryKind,
  TransactionChannel,
  TransactionDirection,
  TransactionKind,
  TransactionOperation,
} from '@rapport/proto/customer/v1';
import { Channel } from '@rapport/proto/type/v1';
import type { Deps } from '../deps.js';
import { holdingColumns, type HoldingRecord, openIban } from '../holding/holding.js';
import { partyColumns, partyMessage, type PartyRecord } from '../party/party.js';
import { openRecord, recordColumns, type RecordRow } from '../source/source.js';
import { PARTY } from './erase-party.js';

/**
 * Tables that say nothing beside what others say: the party itself and what its sources said are given in full, search
 * terms, keys of the matcher and aliases are made of them.
 */
const DERIVED = new Set([
  'party',
  'source_record',
  'party_word',
  'party_contact',
  'party_alias',
  'natural_key',
  'holding_number',
  'match_key',
  'match_profile',
  'match_queue',
  'consent_expiry',
  'retention',
]);

/**
 * What is not for the person: a legal hold may tell of an inquiry, which the bank must not disclose (article 39 of
 * Directive (EU) 2015/849); a doubtful match is a guess that names another customer (article 15(4) of the GDPR).
 */
const WITHHELD = new Set(['legal_hold', 'match_candidate']);

/** What numbers stand for, as whoever gets the file has no contract beside it. */
const words: Readonly<Record<string, Parameters<typeof inWords>[1]>> = {
  holding: { kind: HoldingKind, status: HoldingStatus },
  holding_role: { role: HoldingRole },
  transaction: {
    ...{ direction: TransactionDirection, operation: TransactionOperation },
    ...{ kind: TransactionKind, channel: TransactionChannel },
  },
  interaction: { channel: Channel, direction: InteractionDirection },
  consent: { channel: Channel, state: ConsentState },
  reveal: { reason: RevealReason },
  party_merge: { decision: MergeDecision },
  party_tag: { source: TagSource },
  relationship: { kind: RelationshipKind },
  household_member: { kind: HouseholdKind, role: HouseholdRole },
  preference: { channel: Channel },
  behaviour_event: { kind: BehaviourKind, channel: Channel },
  behaviour_baseline: { measure: MeasureKind },
  behaviour_change: { measure: MeasureKind },
  life_event: { kind: LifeEventKind, certainty: LifeEventCertainty },
  goal: { kind: GoalKind, state: GoalState },
  service_step: { kind: TimelineEntryKind, step: CaseStepKind, channel: Channel },
  data_subject_request: {
    ...{ kind: DataSubjectRequestKind, state: DataSubjectRequestState, extension_reason: ExtensionReason },
    ...{ identity_check: IdentityCheck, refusal_reason: RefusalReason },
  },
};

/**
 * Gives the function that gathers everything this service keeps about parties: opened, and table by table. What somebody
 * owns together with others is given too, where it is kept with another owner.
 */
export function personalData({ db, cipher }: Pick<Deps, 'db' | 'cipher'>) {
  return async function* (ids: readonly string[]): AsyncIterable<PersonalRow> {
    const on = db.system;
    const parties = await on.rows<PartyRecord>(sql`
      SELECT ${partyColumns} FROM party WHERE party_id = ANY(${[...ids]}::uuid[]) ORDER BY party_id`);
    for (const row of parties) {
      yield { collection: 'party', row: Party.toJSON(partyMessage({ cipher }, row, everything)), dataClass: 'C2' };
    }
    const keys = new Map(parties.map(({ partyId, wrappedKey }) => [partyId, wrappedKey]));
    const records = await on.rows<RecordRow>(sql`
      SELECT ${recordColumns} FROM source_record s WHERE s.party_id = ANY(${[...ids]}::uuid[])
      ORDER BY s.record_id, s.version`);
    for (const record of records) {
      const key = keys.get(record.partyId);
      if (key) yield { collection: 'source_record', row: received(openRecord(cipher, record, key)), dataClass: 'C2' };
    }
    const holdings = await on.rows<HoldingRecord>(sql`
      SELECT ${holdingColumns} FROM holding h WHERE h.sealed IS NOT NULL AND (h.party_id, h.holding_id) IN (
        SELECT holding_party_id, holding_id FROM holding_role WHERE party_id = ANY(${[...ids]}::uuid[])
          AND role = ${HoldingRole.HOLDING_ROLE_OWNER}
        UNION SELECT party_id, holding_id FROM holding WHERE party_id = ANY(${[...ids]}::uuid[]))`);
    const ibans = new Map<unknown, string>(holdings.map((row) => [row.holdingId, openIban(cipher, row)]));
    const given = (collection: string, row: Record<string, unknown>): PersonalRow => {
      const iban = 'sealed' in row ? ibans.get(row['holding_id']) : undefined;
      const opened = { ...readable(inWords(row, words[collection])), ...(iban === undefined ? {} : { iban }) };
      return { collection, row: opened, dataClass: 'C2' };
    };
    for (const table of await tablesWith(on, PARTY)) {
      // Rows that name somebody else as their own belong to that somebody.
      if (DERIVED.has(table.table) || WITHHELD.has(table.table) || table.column !== PARTY) continue;
      for (const row of await rowsWith(on, table, ids)) yield given(table.table, row);
      if (table.table !== 'holding' && table.table !== 'transaction') continue;
      for (const row of await ownedElsewhere(on, table.identifier, ids)) yield given(table.table, row);
    }
  };
}

/** The rows about holdings that the parties own and that are kept with another owner. */
async function ownedElsewhere(
  on: Queryable,
  table: string,
  ids: readonly string[],
): Promise<Record<string, unknown>[]> {
  const found = await on.rows<{ row: Record<string, unknown> }>(sql`
    SELECT to_jsonb(t) AS row FROM holding_role r
      JOIN ${sql.raw(table)} t ON t.party_id = r.holding_party_id AND t.holding_id = r.holding_id
    WHERE r.party_id = ANY(${[...ids]}::uuid[]) AND r.holding_party_id <> ALL(${[...ids]}::uuid[])
      AND r.role = ${HoldingRole.HOLDING_ROLE_OWNER}`);
  return found.map(({ row }) => row);
}

/** What a source said, as it came. */
function received({ source, sourceKey, version, latest, receivedTime, party }: ReturnType<typeof openRecord>): object {
  return { source, source_key: sourceKey, version, latest, received_time: receivedTime, party: Party.toJSON(party) };
}

/** The row without bytes that only this service can read: sealed copies, digests, keys. */
function readable(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).filter(([, value]) => typeof value !== 'string' || !value.startsWith('\\x')),
  );
}
