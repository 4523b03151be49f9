import { type Sql, sql, type Tx } from '@rapport/kit/db';
import type { Interaction, InteractionRecorded } from '@rapport/proto/customer/v1';
import { partyName } from '../party/party.js';

/** An interaction as it is stored, in the names of the Prisma model. */
export interface InteractionRecord {
  partyId: string;
  time: Date;
  interactionId: string;
  channel: number;
  direction: number;
  kind: string;
  subject: string;
  note: string;
  staff: string;
  related: string;
  source: string | null;
  sourceKey: string | null;
  organisationPath: string;
  manager: string;
  createTime: Date;
}

/** The columns of an `InteractionRecord`, of the table `interaction` under the name i. */
export const interactionColumns: Sql = sql.raw(`i.party_id AS "partyId", i.time, i.interaction_id AS "interactionId",
  i.channel, i.direction, i.kind, i.subject, i.note, i.staff, i.related, i.source, i.source_key AS "sourceKey",
  i.organisation_path AS "organisationPath", i.manager, i.create_time AS "createTime"`);

/** A row that came as JSON. */
export function interactionFromJson(json: InteractionRecord): InteractionRecord {
  return { ...json, time: new Date(json.time), createTime: new Date(json.createTime) };
}

/** `parties/{uuid}/interactions/{uuid}`. */
export function interactionName(row: { partyId: string; interactionId: string }): string {
  return `parties/${row.partyId}/interactions/${row.interactionId}`;
}

/** The columns that follow from a message alone. */
export function interactionFields(interaction: Interaction) {
  const { channel, direction, kind, subject, note, staff, related, time } = interaction;
  return { channel, direction, kind, subject, note, staff: staff, related, time: time as Date };
}

/** The message of a row. */
export function interactionMessage(row: InteractionRecord): Interaction {
  const { channel, direction, kind, subject, note, related, time, createTime } = row;
  return {
    name: interactionName(row),
    channel,
    direction,
    kind,
    subject,
    note,
    staff: row.staff,
    related,
    time,
    source: row.source ?? '',
    sourceKey: row.sourceKey ?? '',
    createTime,
  };
}

/** What the world hears of an interaction: nothing of what was said. */
export function interactionRecorded(row: InteractionRecord): InteractionRecorded {
  const { channel, direction, kind, related, time, organisationPath } = row;
  return {
    interaction: interactionName(row),
    party: partyName(row.partyId),
    organisationPath,
    channel,
    direction,
    kind,
    staff: row.staff,
    related,
    time,
  };
}

/** Writes interactions with one statement. */
export async function insertInteractions(tx: Tx, rows: readonly InteractionRecord[]): Promise<void> {
  await tx.run(sql`
    INSERT INTO interaction (party_id, time, interaction_id, channel, direction, kind, subject, note, staff, related,
      source, source_key, organisation_path, manager, create_time)
    SELECT "partyId", time, "interactionId", channel, direction, kind, subject, note, staff, related, source, "sourceKey",
      "organisationPath", manager, "createTime"
    FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS r ("partyId" uuid, time timestamptz,
      "interactionId" uuid, channel smallint, direction smallint, kind text, subject text, note text, staff text,
      related text, source text, "sourceKey" text, "organisationPath" text, manager text, "createTime" timestamptz)`);
}
