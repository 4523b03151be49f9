import { Organisation, Party, PartyKind, Person } from '@rapport/proto/customer/v1';

/** The paths that an update may name. */
export const updatable = [
  'person',
  'organisation',
  'organisation_path',
  'relationship_manager',
  'region',
  'district',
  'branch',
  'time_zone',
  'language',
  'contact_points',
  'identifiers',
  'state',
];

const insidePerson = [
  'given_name',
  'family_name',
  'sex',
  'birth_date',
  'salutation',
  'occupation',
  'industry',
  'education',
  'income',
].map((path) => `person.${path}`);
const insideOrganisation = ['legal_name', 'legal_form', 'registration_number', 'industry'].map(
  (path) => `organisation.${path}`,
);
const beside = updatable.slice(2);

/** The paths of everything that can be stated about a party of a kind, details field by field. */
export function pathsOf(kind: PartyKind): string[] {
  return [...(kind === PartyKind.PARTY_KIND_ORGANISATION ? insideOrganisation : insidePerson), ...beside];
}

/** The kind that follows from a party's details. */
export function kindOf(party: Party): PartyKind {
  const organisation = party.details?.$case === 'organisation';
  return organisation ? PartyKind.PARTY_KIND_ORGANISATION : PartyKind.PARTY_KIND_PERSON;
}

function camel(path: string): string {
  return path.replace(/_([a-z])/g, (_all, letter: string) => letter.toUpperCase());
}

/** The object that holds the field, and the field's name in it. */
function holder(party: Party, path: string): [of: Record<string, unknown>, name: string] {
  const [first = '', inside] = path.split('.');
  const message = inside === undefined ? party : (party.details?.value ?? {});
  return [message as unknown as Record<string, unknown>, camel(inside ?? first)];
}

/** The value of a field. */
export function valueAt(party: Party, path: string): unknown {
  const [of, name] = holder(party, path);
  return of[name];
}

/** Puts a value into a party that was made here. */
export function putValue(party: Party, path: string, value: unknown): void {
  const [of, name] = holder(party, path);
  of[name] = value;
}

/** Whether a value says nothing. */
export function saysNothing(value: unknown): boolean {
  return value === undefined || value === '' || value === 0 || (Array.isArray(value) && value.length === 0);
}

/** Whether two values are the same: fields of messages are plain data in a fixed order. */
export function sameValue(a: unknown, b: unknown): boolean {
  return asJson(a) === asJson(b);
}

function asJson(value: unknown): string | undefined {
  return JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'bigint' ? inner.toString() : inner));
}

/** A party of a kind of which nothing is known. */
export function blankParty(kind: PartyKind): Party {
  const details =
    kind === PartyKind.PARTY_KIND_ORGANISATION
      ? { $case: 'organisation' as const, value: Organisation.fromPartial({}) }
      : { $case: 'person' as const, value: Person.fromPartial({}) };
  return Party.fromPartial({ kind, details });
}

/** The name to show. */
export function displayNameOf({ details }: Party): string {
  if (details?.$case === 'person') return `${details.value.givenName} ${details.value.familyName}`.trim();
  return details?.value.legalName ?? '';
}

/** The paths whose values differ, details field by field. */
export function changedPaths(before: Party, after: Party): string[] {
  return pathsOf(kindOf(before)).filter((path) => !sameValue(valueAt(before, path), valueAt(after, path)));
}
