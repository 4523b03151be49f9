import { type Sql, sql, type Tx } from '@rapport/kit/db';
import type { Consent, ConsentChanged } from '@rapport/proto/customer/v1';
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
}

/** The columns of a `ConsentRecord`, of the table `consent` under the name c. */
export const consentColumns: Sql = sql.raw(`c.party_id AS "partyId", c.purpose, c.channel,
  c.effective_time AS "effectiveTime", c.consent_id AS "consentId", c.state, c.text_version AS "textVersion", c.proof,
  c.recorded_by AS "recordedBy", c.organisation_path AS "organisationPath", c.manager, c.create_time AS "createTime"`);

/** A row that came as JSON. */
export function consentFromJson(json: ConsentRecord): ConsentRecord {
  return { ...json, effectiveTime: new Date(json.effectiveTime), createTime: new Date(json.createTime) };
}

/** `parties/{uuid}/consents/{uuid}`. */
export function consentName(row: { partyId: string; consentId: string }): string {
  return `parties/${row.partyId}/consents/${row.consentId}`;
}

/** The message of a row. */
export function consentMessage(row: ConsentRecord): Consent {
  const { purpose, channel, state, textVersion, proof, effectiveTime, recordedBy, createTime } = row;
  return { name: consentName(row), purpose, channel, state, textVersion, proof, effectiveTime, recordedBy, createTime };
}

/** What the world hears of a consent. */
export function consentChanged(row: ConsentRecord): ConsentChanged {
  const { organisationPath, purpose, channel, state, effectiveTime } = row;
  const party = partyName(row.partyId);
  return { consent: consentName(row), party, organisationPath, purpose, channel, state, effectiveTime };
}

/** Writes consents with one statement. */
export async function insertConsents(tx: Tx, rows: readonly ConsentRecord[]): Promise<void> {
  await tx.run(sql`
    INSERT INTO consent (party_id, purpose, channel, effective_time, consent_id, state, text_version, proof, recorded_by,
      organisation_path, manager, create_time)
    SELECT "partyId", purpose, channel, "effectiveTime", "consentId", state, "textVersion", proof, "recordedBy",
      "organisationPath", manager, "createTime"
    FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS r ("partyId" uuid, purpose text, channel smallint,
      "effectiveTime" timestamptz, "consentId" uuid, state smallint, "textVersion" text, proof text, "recordedBy" text,
      "organisationPath" text, manager text, "createTime" timestamptz)`);
}
