import type { FieldCipher } from '@rapport/kit/crypto';
import { type Scope, type Sql, sql, type Tx } from '@rapport/kit/db';
import { ContactPoint, Identifier } from '@rapport/proto/customer/v1';
import { sharedColumn } from '../access/access.js';

/** A party as it is stored, in the names of the Prisma model. */
export interface PartyRecord {
  partyId: string;
  kind: number;
  displayName: string;
  givenName: string;
  familyName: string;
  salutation: string;
  sex: number;
  /** `YYYY-MM-DD`. */
  birthDate: string | null;
  legalName: string;
  legalForm: string;
  /** ISCO-08. */
  occupation: string;
  /** ISIC Rev. 4, from the letter of the section on. */
  industry: string;
  education: number;
  /** Minor units in a year. */
  income: bigint | null;
  incomeCurrency: string;
  /** `YYYY-MM-DD`. */
  incomeDate: string | null;
  wrappedKey: Buffer;
  sealed: Buffer;
  organisationPath: string;
  manager: string;
  region: string;
  district: string;
  branch: string;
  timeZone: string;
  language: string;
  synthetic: boolean;
  state: number;
  /** 0 to 100; null where no version that judges wrote the row. */
  quality: number | null;
  /** The codes of what is wrong or missing. */
  issues: string[];
  source: string | null;
  sourceKey: string | null;
  version: number;
  createTime: Date;
  updateTime: Date;
  /** The golden record that the party answers as: the own id unless it was merged. */
  goldenId: string;
  /** Of a golden record: the parties that were merged into it. */
  aliases: string[];
  /** Whether it shares a household with a customer of the caller; see `seen`. Read from the database only. */
  shared?: boolean | null;
}

/** The columns of a `PartyRecord`, of the table `party` under its own name. */
const columns: Sql = sql.raw(`party.party_id AS "partyId", party.kind, party.display_name AS "displayName",
  party.given_name AS "givenName", party.family_name AS "familyName", party.salutation, party.sex,
  party.birth_date AS "birthDate", party.legal_name AS "legalName", party.legal_form AS "legalForm",
  party.occupation, party.industry, party.education, party.income, party.income_currency AS "incomeCurrency",
  party.income_date AS "incomeDate", party.wrapped_key AS "wrappedKey", party.sealed, party.organisation_path AS "organisationPath", party.manager,
  party.region, party.district, party.branch, party.time_zone AS "timeZone", party.language, party.synthetic,
  party.state, party.quality, party.issues, party.source, party.source_key AS "sourceKey", party.version, party.create_time AS "createTime",
  party.update_time AS "updateTime", party.golden_id AS "goldenId", party.aliases`);

/** The same, and whether the party is the caller's only through a household. */
export const partyColumns: Sql = sql`${columns}, ${sharedColumn}`;

/**
 * The columns for a statement that is run in a scope. Only a scope with households asks who shares one: asked for every
 * row, the question took Postgres a third of a read by id.
 */
export function partyColumnsIn(scope: Scope): Sql {
  return scope.kind === 'rows' && scope.household ? partyColumns : columns;
}

/** What is sealed with the party's own key. */
export interface Sensitive {
  contactPoints: ContactPoint[];
  identifiers: Identifier[];
  registrationNumber: string;
}

type SealedFields = { contact_points?: string; identifiers?: string; registration_number?: string };

function place(partyId: string) {
  return { table: 'party', dataClass: 'C2', row: partyId };
}

/** Seals as one blob; empty parts are left out. */
export function sealParty(cipher: FieldCipher, partyId: string, wrappedKey: Buffer, sensitive: Sensitive): Buffer {
  const { contactPoints, identifiers, registrationNumber } = sensitive;
  return cipher.seal({ owner: partyId, wrapped: wrappedKey }, place(partyId), {
    contact_points: contactPoints.length > 0 ? JSON.stringify(contactPoints.map(ContactPoint.toJSON)) : undefined,
    identifiers: identifiers.length > 0 ? JSON.stringify(identifiers.map(Identifier.toJSON)) : undefined,
    registration_number: registrationNumber === '' ? undefined : registrationNumber,
  });
}

/** Opens what `sealParty` sealed. Throws SealError when the row was tampered with or its key is gone. */
export function openParty(cipher: FieldCipher, row: Pick<PartyRecord, 'partyId' | 'wrappedKey' | 'sealed'>): Sensitive {
  const key = { owner: row.partyId, wrapped: row.wrappedKey };
  const fields = cipher.open<SealedFields>(key, place(row.partyId), row.sealed);
  return {
    contactPoints: parsed(fields.contact_points).map(ContactPoint.fromJSON),
    identifiers: parsed(fields.identifiers).map(Identifier.fromJSON),
    registrationNumber: fields.registration_number ?? '',
  };
}

function parsed(text: string | undefined): unknown[] {
  return text === undefined ? [] : (JSON.parse(text) as unknown[]);
}

/**
 * Writes new parties with one statement; gives the ids of those that were written. A party whose source key is taken
 * changes nothing.
 */
export async function insertParties(
  tx: Tx,
  parties: readonly { row: PartyRecord; content: bigint }[],
): Promise<Set<string>> {
  const json = parties.map(({ row, content }) => ({
    ...row,
    wrappedKey: row.wrappedKey.toString('hex'),
    sealed: row.sealed.toString('hex'),
    income: row.income?.toString() ?? null,
    content: content.toString(),
  }));
  const inserted = await tx.rows<{ partyId: string }>(sql`
    INSERT INTO party (party_id, kind, display_name, given_name, family_name, salutation, sex, birth_date, legal_name,
      legal_form, wrapped_key, sealed, organisation_path, manager, region, district, branch, time_zone, language,
      synthetic, state, source, source_key, content, create_time, update_time, golden_id, quality, issues, occupation,
      industry, education, income, income_currency, income_date)
    SELECT "partyId", kind, "displayName", "givenName", "familyName", salutation, sex, "birthDate", "legalName",
      "legalForm", decode("wrappedKey", 'hex'), decode(sealed, 'hex'), "organisationPath", manager, region, district,
      branch, "timeZone", language, synthetic, state, source, "sourceKey", content::bigint, "createTime", "updateTime",
      "goldenId", quality, ARRAY(SELECT jsonb_array_elements_text(issues)), occupation, industry, education, income,
      "incomeCurrency", "incomeDate"
    FROM jsonb_to_recordset(${JSON.stringify(json)}::jsonb) AS r ("partyId" uuid, kind smallint, "displayName" text,
      "givenName" text, "familyName" text, salutation text, sex smallint, "birthDate" date, "legalName" text,
      "legalForm" text, "wrappedKey" text, sealed text, "organisationPath" text, manager text, region text,
      district text, branch text, "timeZone" text, language text, synthetic boolean, state smallint, source text,
      "sourceKey" text, content text, "createTime" timestamptz, "updateTime" timestamptz,
      "goldenId" uuid, quality smallint, issues jsonb, occupation text, industry text, education smallint,
      income bigint, "incomeCurrency" text, "incomeDate" date)
    ON CONFLICT DO NOTHING RETURNING party_id AS "partyId"`);
  return new Set(inserted.map((row) => row.partyId));
}
