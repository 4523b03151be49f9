import { audit } from '@rapport/kit/crypto';
import { everything, scopeFilter, sql } from '@rapport/kit/db';
import { type Call, scopeFor } from '@rapport/kit/rpc';
import { uuidv7 } from '@rapport/kit/runtime';
import {
  type RevealFieldRequest,
  type RevealFieldResponse,
  RevealReason,
  type Party,
  EducationLevel,
  Sex,
} from '@rapport/proto/customer/v1';
import { isoDay } from '../calendar/calendar.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { moneyText, partyColumns, partyIdIn, partyMessage, type PartyRecord } from '../party/party.js';

/** How many fields a caller may have shown within an hour: enough for a day at the counter, too few to copy a branch. */
export const REVEALS_PER_HOUR = 60;
const HOUR_MS = 3_600_000;

/** Shows one masked field for a reason that is audited in the transaction that counts it. */
export async function revealField(deps: Deps, request: RevealFieldRequest, call: Call): Promise<RevealFieldResponse> {
  const id = partyIdIn(request.name);
  const scope = scopeFor(call, 'C2');
  const { subject } = call.principal;
  const now = deps.clock.now();
  const { row, remaining } = await deps.db.plain.transaction(scope, async (tx) => {
    // One after the other for each caller, so that nobody passes the limit by asking twice at once.
    await tx.rows(sql`SELECT pg_advisory_xact_lock(hashtextextended(${`reveal ${subject}`}, 0))`);
    const row = await tx.maybe<PartyRecord>(sql`
      SELECT ${partyColumns} FROM party
      WHERE party_id = (SELECT golden_id FROM party named WHERE named.party_id = ${id})
        AND ${scopeFilter(scope, { path: 'organisation_path', manager: 'manager' })}`);
    if (!row) throw fail('PARTY_NOT_FOUND', { metadata: { party: request.name } });
    const since = new Date(now.getTime() - HOUR_MS);
    const used = await tx.one<{ count: number; oldest: Date | null }>(sql`
      SELECT count(*)::int AS count, min(time) AS oldest FROM reveal WHERE subject = ${subject} AND time > ${since}`);
    if (used.count >= REVEALS_PER_HOUR) {
      const retryInMs = (used.oldest ?? now).getTime() + HOUR_MS - now.getTime();
      throw fail('REVEAL_LIMIT_REACHED', { retryInMs });
    }
    await tx.run(sql`
      INSERT INTO reveal (reveal_id, subject, time, party_id, field, reason, case_name)
      VALUES (${uuidv7()}, ${subject}, ${now}, ${id}, ${request.field}, ${request.reason}, ${request.case})`);
    const reason = RevealReason[request.reason]?.replace('REVEAL_REASON_', '') ?? '';
    await audit(tx, call, {
      resource: request.name,
      fields: [request.field],
      reason: request.case === '' ? reason : `${reason} ${request.case}`,
    });
    return { row, remaining: REVEALS_PER_HOUR - used.count - 1 };
  });
  return { values: valuesOf(partyMessage(deps, row, everything), request.field), remaining };
}

/** The values of a field of a party that is shown in full. */
export function valuesOf(party: Party, field: string): string[] {
  const person = party.details?.$case === 'person' ? party.details.value : undefined;
  const organisation = party.details?.$case === 'organisation' ? party.details.value : undefined;
  const earned = person?.income?.perYear;
  const born = person?.birthDate && isoDay(person.birthDate);
  const values: Record<string, readonly (string | undefined)[]> = {
    display_name: [party.displayName],
    source_key: [party.sourceKey],
    contact_points: party.contactPoints.map(({ point }) => {
      if (point?.$case !== 'postalAddress') return point?.value;
      const { lines, postalCode, locality, region, countryCode } = point.value;
      return [...lines, `${postalCode} ${locality}`.trim(), region, countryCode]
        .filter((line) => line !== '')
        .join('\n');
    }),
    identifiers: party.identifiers.map(({ value }) => value),
    'person.given_name': [person?.givenName],
    'person.family_name': [person?.familyName],
    'person.sex': person?.sex ? [Sex[person.sex]?.replace('SEX_', '')] : [],
    'person.birth_date': [born],
    'person.salutation': [person?.salutation],
    'person.occupation': [person?.occupation],
    'person.industry': [person?.industry],
    'person.education': person?.education ? [EducationLevel[person.education]?.replace('EDUCATION_LEVEL_', '')] : [],
    'person.income': [earned && moneyText(earned)],
    'organisation.legal_name': [organisation?.legalName],
    'organisation.registration_number': [organisation?.registrationNumber],
  };
  return (values[field] ?? []).filter((value): value is string => value !== undefined && value !== '');
}
