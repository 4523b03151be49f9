import type { Party } from '@rapport/proto/customer/v1';
import { type Issue, issue } from './issue.js';

/** Something that the bank needs to know of a party, and how much it counts. */
export interface Element {
  name: string;
  weight: number;
  /** What it is called as an issue when there is none. */
  missing: Parameters<typeof issue>[1];
}

/** Weights of a person's elements; they add up to 100. */
const personElements: readonly Element[] = [
  { name: 'name', weight: 25, missing: 'name_missing' },
  { name: 'birth_date', weight: 15, missing: 'birth_date_missing' },
  { name: 'identifier', weight: 20, missing: 'identifier_missing' },
  { name: 'phone', weight: 15, missing: 'phone_missing' },
  { name: 'email', weight: 10, missing: 'email_missing' },
  { name: 'address', weight: 15, missing: 'address_missing' },
];

/** The same of an organisation. */
const organisationElements: readonly Element[] = [
  { name: 'name', weight: 30, missing: 'name_missing' },
  { name: 'identifier', weight: 30, missing: 'identifier_missing' },
  { name: 'phone', weight: 10, missing: 'phone_missing' },
  { name: 'email', weight: 10, missing: 'email_missing' },
  { name: 'address', weight: 20, missing: 'address_missing' },
];

/** How much of an element's weight its value earns. */
const EARNED = { valid: 1, doubtful: 0.5, invalid: 0, missing: 0 };

/** The judgement of one element. */
export interface Part {
  element: string;
  weight: number;
  /** What of the weight it earned. */
  points: number;
}

/** How good the record of a party is. */
export interface Quality {
  /** 0 to 100. */
  score: number;
  parts: Part[];
  /** Everything found, with what is missing. */
  issues: Issue[];
}

/** The places in a party where each element stands; a list has one place for each entry. */
function placesOf(party: Party): Map<string, string[]> {
  const places = new Map<string, string[]>();
  const put = (element: string, path: string): void => void places.set(element, [...(places.get(element) ?? []), path]);
  if (party.details?.$case === 'person') {
    const { givenName, familyName, birthDate } = party.details.value;
    if (givenName !== '' || familyName !== '') put('name', 'person');
    if (birthDate) put('birth_date', 'person.birth_date');
  } else if (party.details) {
    if (party.details.value.legalName !== '') put('name', 'organisation.legal_name');
    if (party.details.value.registrationNumber !== '') put('identifier', 'organisation.registration_number');
  }
  for (const [at, { point }] of party.contactPoints.entries()) {
    if (point) put(point.$case === 'postalAddress' ? 'address' : point.$case, `contact_points[${at}]`);
  }
  for (const at of party.identifiers.keys()) put('identifier', `identifiers[${at}]`);
  return places;
}

/**
 * The quality of a cleaned party, from the issues that cleaning found.
 *
 * score = round(100 × Σ weight(e) × validity(e) / Σ weight(e)) over the elements e that its kind should have, where
 * validity is 1 of a value without errors or warnings, ½ with warnings only, and 0 with an error or where there is none. Of
 * several values (two telephone numbers) the best counts. These are the dimensions completeness and validity of DAMA-DMBOK
 * (second edition, chapter 13) and ISO/IEC 25012, measured against declared rules as ISO 8000-8 asks for syntactic and
 * semantic quality; the weights are this bank's, by what it needs to know, reach and recognise a customer.
 */
export function judgeQuality(party: Party, found: readonly Issue[]): Quality {
  const elements = party.details?.$case === 'organisation' ? organisationElements : personElements;
  const places = placesOf(party);
  const issues = [...found];
  const parts = elements.map(({ name, weight, missing }): Part => {
    const paths = places.get(name) ?? [];
    if (paths.length === 0) issues.push(issue(name, missing));
    const earned = Math.max(EARNED.missing, ...paths.map((path) => EARNED[validity(path, found)]));
    return { element: name, weight, points: weight * earned };
  });
  const all = parts.reduce((sum, { weight }) => sum + weight, 0);
  const score = Math.round((100 * parts.reduce((sum, { points }) => sum + points, 0)) / all);
  return { score, parts, issues };
}

const besideName = new Set(['birth_date', 'occupation', 'industry', 'income'].map((name) => `person.${name}`));

function validity(path: string, issues: readonly Issue[]): keyof typeof EARNED {
  const inside = issues.filter(({ field }) => field === path || field.startsWith(`${path}.`));
  // Only the name counts as the name: the day of birth is an element of its own, the livelihood none.
  const own = path === 'person' ? inside.filter(({ field }) => !besideName.has(field)) : inside;
  if (own.some(({ severity, code }) => severity === 'error' || (severity === 'missing' && code === 'name_missing')))
    return 'invalid';
  return own.some(({ severity }) => severity === 'warning') ? 'doubtful' : 'valid';
}
