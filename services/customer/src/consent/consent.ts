import { type Sql, sql, type Tx } from '@rapport/kit/db';
import { type Consent, type ConsentChanged, ConsentState } from '@rapport/proto/customer/v1';
import { partyName } from '../party/party.js';

/** A consent as it is stored, in the names of the Prisma model. */
export interface ConsentRecord {
  partyId: string;
  purpose: string;
  channel: number;
  effectiveTime: Date;
  consentId: string;
  state: number;
  textVersion: string;
  proof: string;
  recordedBy: string;
  organisationPath: string;
  manager: string;
  createTime: Date;
  /** When what was granted ends by itself; null when it holds until it is withdrawn. */
  expireTime: Date | null;
}

/** The columns of a `ConsentRecord`, of the table `consent` under the name c. */
export const consentColumns: Sql = sql.raw(`c.party_id AS "partyId", c.purpose, c.channel,
  c.effective_time AS "effectiveTime", c.consent_id AS "consentId", c.state, c.text_version AS "textVersion", c.proof,
  c.recorded_by AS "recordedBy", c.organisation_path AS "organisationPath", c.manager, c.create_time AS "createTime",
  c.expire_time AS "expireTime"`);

/** A row that came as JSON. */
export function consentFromJson(json: ConsentRecord): ConsentRecord {
  return {
    ...json,
    effectiveTime: new Date(json.effectiveTime),
    createTime: new Date(json.createTime),
    expireTime: json.expireTime && new Date(json.expireTime),
  };
}

/** `parties/{uuid}/consents/{uuid}`. */
export function consentName(row: { partyId: string; consentId: string }): string {
  return `parties/${row.partyId}/consents/${row.consentId}`;
}

/** What a consent comes to at a moment: what was granted counts no longer from its end on, announced or not. */
export function stateAt(row: Pick<ConsentRecord, 'state' | 'expireTime'>, now: Date): ConsentState {
  const over = row.state === ConsentState.CONSENT_STATE_GRANTED && row.expireTime !== null && row.expireTime <= now;
  return over ? ConsentState.CONSENT_STATE_EXPIRED : row.state;
}

/** Whether somebody says again what was said before. */
export function saysTheSame(
  before: Pick<ConsentRecord, 'state' | 'textVersion' | 'proof' | 'expireTime'>,
  said: Pick<ConsentRecord, 'state' | 'textVersion' | 'proof' | 'expireTime'>,
): boolean {
  return (
    before.state === said.state &&
    before.textVersion === said.textVersion &&
    before.proof === said.proof &&
    before.expireTime?.getTime() === said.expireTime?.getTime()
  );
}

/** The message of a row. */
export function consentMessage(row: ConsentRecord): Consent {
  const { purpose, channel, state, textVersion, proof, effectiveTime, recordedBy, createTime } = row;
  const expireTime = row.expireTime ?? undefined;
  const said = { purpose, channel, state, textVersion, proof, effectiveTime, recordedBy, createTime, expireTime };
  return { name: consentName(row), ...said };
}

/** What the world hears of a consent. */
export function consentChanged(row: ConsentRecord): ConsentChanged {
  const { organisationPath, purpose, channel, state, effectiveTime } = row;
  const party = partyName(row.partyId);
  const expireTime = row.expireTime ?? undefined;
  return { consent: consentName(row), party, organisationPath, purpose, channel, state, effectiveTime, expireTime };
}

/** Writes consents with one statement, and notes which of them will end by themselves. */
export async function insertConsents(tx: Tx, rows: readonly ConsentRecord[]): Promise<void> {
  await tx.run(sql`
    INSERT INTO consent (party_id, purpose, channel, effective_time, consent_id, state, text_version, proof, recorded_by,
      organisation_path, manager, create_time, expire_time)
    SELECT "partyId", purpose, channel, "effectiveTime", "consentId", state, "textVersion", proof, "recordedBy",
      "organisationPath", manager, "createTime", "expireTime"
    FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS r ("partyId" uuid, purpose text, channel smallint,
      "effectiveTime" timestamptz, "consentId" uuid, state smallint, "textVersion" text, proof text, "recordedBy" text,
      "organisationPath" text, manager text, "createTime" timestamptz, "expireTime" timestamptz)`);
  const ending = rows.filter(({ expireTime }) => expireTime !== null);
  if (ending.length === 0) return;
  await tx.run(sql`
    INSERT INTO consent_expiry (consent_id, party_id, expire_time)
    SELECT * FROM unnest(${ending.map(({ consentId }) => consentId)}::uuid[],
      ${ending.map(({ partyId }) => partyId)}::uuid[], ${ending.map(({ expireTime }) => expireTime)}::timestamptz[])`);
}
