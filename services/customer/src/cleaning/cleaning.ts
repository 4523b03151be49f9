import {
  type ContactPoint,
  type Identifier,
  IdentifierKind,
  type Party,
  type PartyQuality,
  QualitySeverity,
  Sex,
} from '@rapport/proto/customer/v1';
import { cleanAddress } from './address.js';
import { cleanIndustry, cleanOccupation } from './classification.js';
import { isoOf } from './date.js';
import { cleanEmail } from './email.js';
import { cleanIdentifier, type IdentifierScheme, type Told } from './identifier.js';
import { type Issue, issue, type Severity } from './issue.js';
import { cleanPersonName } from './person-name.js';
import { cleanPhone } from './phone.js';
import { judgeQuality, type Quality } from './quality.js';
import { tidy } from './text.js';

export { isChinese, splitChinese, syllables } from './chinese-name.js';
export { cleanAddress } from './address.js';
export { isIndustry, isOccupation } from './classification.js';
export { cleanEmail } from './email.js';
export { ibanValid } from './check-digits.js';
export { cleanPhone } from './phone.js';
export { compact, foldedWords } from './text.js';

/** What cleaning takes from the bank. */
export interface CleaningSettings {
  /** ISO 3166-1 alpha-2, where numbers without a country belong; empty when none does. */
  country: string;
}

/** A party in its proper form, and how good it is. */
export interface CleanParty {
  party: Party;
  quality: Quality;
}

const schemes: Partial<Record<IdentifierKind, IdentifierScheme>> = {
  [IdentifierKind.IDENTIFIER_KIND_NATIONAL_ID]: 'NATIONAL_ID',
  [IdentifierKind.IDENTIFIER_KIND_TAX_ID]: 'TAX_ID',
  [IdentifierKind.IDENTIFIER_KIND_REGISTRATION_NUMBER]: 'REGISTRATION_NUMBER',
  [IdentifierKind.IDENTIFIER_KIND_LEI]: 'LEI',
};

/**
 * The party as the golden record holds it: names, contact points and identifiers in their proper form. Cleaning the result
 * again changes nothing. What cannot be brought into a form stays as it came, with an issue. `today` (`YYYY-MM-DD`) is what
 * a day of birth is judged by.
 */
export function cleanParty(raw: Party, settings: CleaningSettings, today: string): CleanParty {
  const issues: Issue[] = [];
  const country = countryOf(raw, settings);
  const party: Party = {
    ...raw,
    details: detailsOf(raw, country, issues),
    contactPoints: raw.contactPoints.map((point, at) => cleanPoint(point, country, `contact_points[${at}]`, issues)),
    identifiers: [],
  };
  party.identifiers = raw.identifiers.map((identifier, at) => {
    const { value, issues: found, told } = cleanedIdentifier(identifier, `identifiers[${at}]`);
    issues.push(...found, ...differences(party, told, `identifiers[${at}]`));
    return { ...identifier, value };
  });
  issues.push(...birthIssues(party, today));
  return { party, quality: judgeQuality(party, issues) };
}

/** Where a party's numbers belong: the country of its first postal address, else the bank's. */
export function countryOf(party: Party, settings: CleaningSettings): string {
  for (const { point } of party.contactPoints) {
    if (point?.$case === 'postalAddress' && point.value.countryCode !== '') return point.value.countryCode;
  }
  return settings.country;
}

function detailsOf(raw: Party, country: string, issues: Issue[]): Party['details'] {
  if (raw.details?.$case === 'person') {
    const name = cleanPersonName(raw.details.value);
    const occupation = cleanOccupation(raw.details.value.occupation, 'person.occupation');
    const industry = cleanIndustry(raw.details.value.industry, 'person.industry');
    issues.push(...name.issues, ...occupation.issues, ...industry.issues);
    const { income } = raw.details.value;
    if (income && !income.asOf) issues.push(issue('person.income', 'income_undated'));
    const cleaned = { ...name.value, occupation: occupation.value, industry: industry.value };
    return { $case: 'person', value: { ...raw.details.value, ...cleaned } };
  }
  if (raw.details === undefined) return undefined;
  const legal = tidy(raw.details.value.legalName, 'organisation.legal_name', 200);
  const { value: registrationNumber, issues: found } = cleanIdentifier(
    { scheme: 'REGISTRATION_NUMBER', country, value: raw.details.value.registrationNumber },
    'organisation.registration_number',
  );
  const empty = raw.details.value.registrationNumber === '';
  const industry = cleanIndustry(raw.details.value.industry, 'organisation.industry');
  issues.push(...legal.issues, ...(empty ? [] : found), ...industry.issues);
  const kept = { legalName: legal.text, registrationNumber: empty ? '' : registrationNumber };
  const value = { ...raw.details.value, ...kept, industry: industry.value };
  return { $case: 'organisation', value };
}

function cleanPoint(raw: ContactPoint, country: string, field: string, issues: Issue[]): ContactPoint {
  const { point } = raw;
  if (point === undefined) return raw;
  if (point.$case === 'postalAddress') {
    const cleaned = cleanAddress(point.value, `${field}.postal_address`);
    issues.push(...cleaned.issues);
    return { ...raw, point: { $case: 'postalAddress', value: cleaned.value } };
  }
  const at = `${field}.${point.$case}`;
  const { value, issues: found } =
    point.$case === 'email' ? cleanEmail(point.value, at) : cleanPhone(point.value, country, at);
  issues.push(...found);
  return { ...raw, point: { $case: point.$case, value } };
}

function cleanedIdentifier({ kind, value, countryCode }: Identifier, field: string) {
  return cleanIdentifier({ scheme: schemes[kind] ?? 'OTHER', country: countryCode, value }, `${field}.value`);
}

/** Where a number and the record say different things of the bearer. */
function differences(party: Party, told: Told, field: string): Issue[] {
  if (party.details?.$case !== 'person') return [];
  const { birthDate, sex } = party.details.value;
  const found: Issue[] = [];
  if (birthDate && told.birthDate && told.birthDate !== isoOf(birthDate)) {
    found.push(issue(`${field}.value`, 'identifier_birth_date_differs'));
  }
  const known = { [Sex.SEX_FEMALE]: 'female', [Sex.SEX_MALE]: 'male' }[sex as number];
  if (known && told.sex && told.sex !== known) found.push(issue(`${field}.value`, 'identifier_sex_differs'));
  return found;
}

/** Nobody is known to have lived longer than 122 years. */
const OLDEST = 123;

function birthIssues(party: Party, today: string): Issue[] {
  const birthDate = party.details?.$case === 'person' ? party.details.value.birthDate : undefined;
  if (!birthDate || Number(today.slice(0, 4)) - birthDate.year <= OLDEST) return [];
  return [issue('person.birth_date', 'birth_date_implausible')];
}

const advice: Partial<Record<Issue['code'], string>> = {
  phone_unreadable: 'is no telephone number: write it as +420 601 123 456',
  phone_country_unknown: 'has no country: write it with its country code, as +420 601 123 456',
  phone_impossible: 'is too long or too short for its country: write it as +420 601 123 456',
  email_syntax: 'is no e-mail address: write it as name@example.org',
};

/**
 * Why a person who writes a party should write it otherwise, with the path of the field: a contact point that nothing can
 * be sent to. One that `before` has already, as an import may leave it, is let be. Imports keep such a value with its
 * issue, because the source is where it must be mended.
 */
export function refusals({ party, quality }: CleanParty, before?: Party): { field: string; description: string }[] {
  const known = new Set(before?.contactPoints.map(({ point }) => JSON.stringify(point)));
  return quality.issues.flatMap(({ field, code }) => {
    const description = advice[code];
    const at = Number(/^contact_points\[(\d+)\]/.exec(field)?.[1]);
    const old = known.has(JSON.stringify(party.contactPoints[at]?.point));
    return description === undefined || old ? [] : [{ field, description }];
  });
}

/** The codes of what was found, each once, as they are stored and counted. */
export function issueCodes({ issues }: Quality): string[] {
  return [...new Set(issues.map(({ code }) => code))].toSorted();
}

const severities = {
  error: QualitySeverity.QUALITY_SEVERITY_ERROR,
  warning: QualitySeverity.QUALITY_SEVERITY_WARNING,
  missing: QualitySeverity.QUALITY_SEVERITY_MISSING,
  correction: QualitySeverity.QUALITY_SEVERITY_CORRECTION,
} as const;

/** The severity in the words of the contract. */
export function severityNumber(severity: Severity): QualitySeverity {
  return severities[severity];
}

/** How good the record of a party is, in the words of the contract: what is wrong and where, never a value. */
export function qualityOf(party: Party, settings: CleaningSettings, today: string): Omit<PartyQuality, 'party'> {
  const { score, parts, issues } = cleanParty(party, settings, today).quality;
  const told = issues.map(({ field, code, severity }) => ({ field, code, severity: severityNumber(severity) }));
  return { score, parts, issues: told };
}
