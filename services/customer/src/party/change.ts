import type { FieldCipher } from '@rapport/kit/crypto';
import { sql, type Tx } from '@rapport/kit/db';
import type { Placed } from '../access/access.js';
import type { PartyRecord } from './record.js';
import { type Findable, replaceTerms } from './search-terms.js';

/** A party before and after a change. */
export interface PartyChange extends Findable {
  before: PartyRecord;
}

/** Tables whose rows carry where their party stands. */
const followers = [
  'party_word',
  'party_contact',
  'interaction',
  'consent',
  'relationship',
  'household_member',
  'former_assignment',
  'preference',
  'party_tag',
  'behaviour_event',
  'behaviour_baseline',
  'behaviour_change',
  'life_event',
  'goal',
  'service_step',
  'source_record',
  'party_merge',
  'field_choice',
] as const;
/** Tables whose rows carry where the first owner of a holding stands. */
const holdingFollowers = ['holding', 'holding_number', 'transaction'] as const;

/**
 * Stores changed parties with one statement each kind, with what they are found by. A party that moved takes along what
 * is kept with it and with those that were merged into it, because row security looks at each row alone.
 */
export async function storeChange(tx: Tx, cipher: FieldCipher, changes: readonly PartyChange[]): Promise<void> {
  const rows = changes.map(({ row }) => ({
    ...row,
    wrappedKey: undefined,
    sealed: row.sealed.toString('hex'),
    income: row.income?.toString() ?? null,
  }));
  await tx.run(sql`
    UPDATE party SET display_name = r."displayName", given_name = r."givenName", family_name = r."familyName",
      salutation = r.salutation, sex = r.sex, birth_date = r."birthDate", legal_name = r."legalName",
      legal_form = r."legalForm", occupation = r.occupation, industry = r.industry, education = r.education,
      income = r.income, income_currency = r."incomeCurrency", income_date = r."incomeDate", sealed = decode(r.sealed, 'hex'), organisation_path = r."organisationPath",
      manager = r.manager, region = r.region, district = r.district, branch = r.branch, time_zone = r."timeZone",
      language = r.language, state = r.state, version = r.version, quality = r.quality,
      issues = ARRAY(SELECT jsonb_array_elements_text(r.issues)), update_time = r."updateTime"
    FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS r ("partyId" uuid, "displayName" text, "givenName" text,
      "familyName" text, salutation text, sex smallint, "birthDate" date, "legalName" text, "legalForm" text, sealed text,
      occupation text, industry text, education smallint, income bigint, "incomeCurrency" text, "incomeDate" date,
      "organisationPath" text, manager text, region text, district text, branch text, "timeZone" text, language text,
      state smallint, version integer, quality smallint, issues jsonb, "updateTime" timestamptz)
    WHERE party.party_id = r."partyId"`);
  await replaceTerms(tx, cipher, changes);
  const moved = changes
    .filter(({ before, row }) => before.organisationPath !== row.organisationPath || before.manager !== row.manager)
    .flatMap(({ row }) => row.aliases.map((partyId) => ({ ...row, partyId })).concat(row));
  if (moved.length > 0) await move(tx, moved);
}

/** Lets parties, with all that is kept with them, stand somewhere else. */
export async function move(tx: Tx, moved: readonly (Placed & { partyId: string })[]): Promise<void> {
  const to = sql`unnest(${moved.map((row) => row.partyId)}::uuid[], ${moved.map((row) => row.organisationPath)}::text[],
    ${moved.map((row) => row.manager)}::text[]) AS r (party_id, path, manager)`;
  await tx.run(sql`UPDATE party AS t SET organisation_path = r.path, manager = r.manager
    FROM ${to} WHERE t.party_id = r.party_id AND (t.organisation_path, t.manager) <> (r.path, r.manager)`);
  for (const table of [...followers, ...holdingFollowers]) {
    await tx.run(sql`UPDATE ${sql.raw(table)} AS t SET organisation_path = r.path, manager = r.manager
      FROM ${to} WHERE t.party_id = r.party_id`);
  }
  await tx.run(sql`UPDATE holding_role AS t SET organisation_path = r.path, manager = r.manager
    FROM ${to} JOIN holding h ON h.party_id = r.party_id
      CROSS JOIN LATERAL jsonb_array_elements(h.owners) AS o
    WHERE t.party_id = (o ->> 'party')::uuid AND t.holding_party_id = h.party_id AND t.holding_id = h.holding_id`);
}
