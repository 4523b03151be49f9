import type { PartyKey } from '@rapport/kit/crypto';
import { type Scope, within } from '@rapport/kit/db';
import type { Violation } from '@rapport/kit/rpc';
import { uuidv7 } from '@rapport/kit/runtime';
import {
  type Income,
  Organisation,
  type Party,
  type PartyCreated,
  PartyKind,
  PartyState,
  type PartyUpdated,
  Person,
} from '@rapport/proto/customer/v1';
import {
  type CleanParty,
  cleanParty,
  isChinese,
  isIndustry,
  isOccupation,
  issueCodes,
  refusals,
} from '../cleaning/cleaning.js';
import { dayAt, dayMessage, isoDay, isTimeZone } from '../calendar/calendar.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { pathsOf } from './fields.js';
import { partyName } from './names.js';
import { openParty, type PartyRecord, type Sensitive, sealParty } from './record.js';

export type { CleanParty } from '../cleaning/cleaning.js';
export { move, storeChange } from './change.js';
export {
  blankParty,
  changedPaths,
  displayNameOf,
  kindOf,
  pathsOf,
  putValue,
  sameValue,
  saysNothing,
  updatable,
  valueAt,
} from './fields.js';
export { assertParty, assertUsable, golden, membersOf, type PlacedParty, RESTRICTED } from './find.js';
export { moneyText } from './money-text.js';
export { idsIn, partyIdIn, partyName } from './names.js';
export { insertParties, openParty, partyColumns, partyColumnsIn, type PartyRecord } from './record.js';
export { sealedAnswer } from './sealed-answer.js';
export {
  digestOf,
  dropTerms,
  findable,
  insertTerms,
  type Named,
  replaceTerms,
} from './search-terms.js';

/** A rule of the domain that a field breaks. `reason` is one of this service's. */
export interface Breach extends Violation {
  reason: 'BIRTH_DATE_INVALID' | 'TIME_ZONE_UNKNOWN' | 'FIELD_INVALID';
}

/** The first rule beyond those of the contract that the party breaks; `field` is relative to the party. */
export function breachIn(party: Party, deps: Pick<Deps, 'clock' | 'bank'>): Breach | undefined {
  const { details } = party;
  if (details === undefined) return { field: 'person', reason: 'FIELD_INVALID', description: 'details are required' };
  if (details.$case === 'person') {
    const { givenName, familyName, birthDate, occupation, income } = details.value;
    if (givenName === '') return { field: 'person.given_name', reason: 'FIELD_INVALID', description: 'is required' };
    if (familyName === '') return { field: 'person.family_name', reason: 'FIELD_INVALID', description: 'is required' };
    const born = birthDate && isoDay(birthDate);
    if (birthDate && (born === undefined || born > dayAt(deps.clock.now(), deps.bank.timeZone))) {
      const description = 'must be a day of the calendar, not in the future';
      return { field: 'person.birth_date', reason: 'BIRTH_DATE_INVALID', description };
    }
    if (!isOccupation(occupation)) {
      const description = 'is no code of ISCO-08: write 1 to 4 digits, as 2 for professionals or 2212';
      return { field: 'person.occupation', reason: 'FIELD_INVALID', description };
    }
    const said = income?.asOf && isoDay(income.asOf);
    if (income?.asOf && (said === undefined || said > dayAt(deps.clock.now(), deps.bank.timeZone))) {
      const description = 'must be a day of the calendar, not in the future';
      return { field: 'person.income.as_of', reason: 'FIELD_INVALID', description };
    }
  } else if (details.value.legalName === '') {
    return { field: 'organisation.legal_name', reason: 'FIELD_INVALID', description: 'is required' };
  }
  if (!isIndustry(details.value.industry)) {
    const description = 'is no code of ISIC Rev. 4: write a section or a division, as K or K64';
    return { field: `${details.$case}.industry`, reason: 'FIELD_INVALID', description };
  }
  if (party.timeZone !== '' && !isTimeZone(party.timeZone)) {
    return { field: 'time_zone', reason: 'TIME_ZONE_UNKNOWN', description: 'is not a time zone' };
  }
  return undefined;
}

/** The party in its proper form, see `cleanParty`. */
export function cleaned(deps: Pick<Deps, 'bank' | 'clock'>, party: Party): CleanParty {
  return cleanParty(party, deps.bank, dayAt(deps.clock.now(), deps.bank.timeZone));
}

/**
 * Throws the first breach as a failure with a field violation, else what nothing can be sent to. `before` is the party
 * before a change: what it has already is let be.
 */
export function assertValid(clean: CleanParty, deps: Deps, before?: Party): void {
  const breach = breachIn(clean.party, deps);
  const violations = (breach ? [breach] : refusals(clean, before)).map(({ field, description }) => {
    return { field: `party.${field}`, description };
  });
  if (violations.length > 0) throw fail(breach?.reason ?? 'FIELD_INVALID', { violations });
}

type Details = Pick<
  PartyRecord,
  | 'kind'
  | 'displayName'
  | 'givenName'
  | 'familyName'
  | 'salutation'
  | 'sex'
  | 'birthDate'
  | 'legalName'
  | 'legalForm'
  | 'occupation'
  | 'industry'
  | 'education'
  | 'income'
  | 'incomeCurrency'
  | 'incomeDate'
>;

function detailsOf(party: Party): Details {
  const empty = {
    givenName: '',
    familyName: '',
    salutation: '',
    sex: 0,
    birthDate: null,
    legalName: '',
    legalForm: '',
    occupation: '',
    education: 0,
    income: null,
    incomeCurrency: '',
    incomeDate: null,
  };
  if (party.details?.$case === 'person') {
    const { givenName, familyName, salutation, sex, birthDate, occupation, industry, education, income } =
      party.details.value;
    const born = (birthDate && isoDay(birthDate)) ?? null;
    const displayName = shownName(givenName, familyName);
    const kind = PartyKind.PARTY_KIND_PERSON;
    return {
      ...{ ...empty, kind, displayName, givenName, familyName, salutation, sex, birthDate: born },
      ...{ occupation, industry, education },
      income: income?.perYear?.minorUnits ?? null,
      incomeCurrency: income?.perYear?.currencyCode ?? '',
      incomeDate: (income?.asOf && isoDay(income.asOf)) ?? null,
    };
  }
  const { legalName, legalForm, industry } = party.details?.value ?? Organisation.fromPartial({});
  return { ...empty, kind: PartyKind.PARTY_KIND_ORGANISATION, displayName: legalName, legalName, legalForm, industry };
}

/** A person's name as it is shown: Chinese names have the family name first and no space. */
function shownName(givenName: string, familyName: string): string {
  if (isChinese(givenName) && isChinese(familyName)) return familyName + givenName;
  return `${givenName} ${familyName}`.trim();
}

/** What of a message is sealed. */
export function sensitiveOf(party: Party): Sensitive {
  const organisation = party.details?.$case === 'organisation' ? party.details.value : undefined;
  return {
    contactPoints: party.contactPoints,
    identifiers: party.identifiers,
    registrationNumber: organisation?.registrationNumber ?? '',
  };
}

/** The columns that follow from a cleaned message, for a party that keeps its identity, key and times. */
export function recordOf(
  deps: Pick<Deps, 'cipher'>,
  { party, quality }: CleanParty,
  kept: Pick<
    PartyRecord,
    'partyId' | 'wrappedKey' | 'source' | 'sourceKey' | 'version' | 'createTime' | 'updateTime' | 'goldenId' | 'aliases'
  >,
): PartyRecord {
  const { organisationPath, region, district, branch, timeZone, language, synthetic } = party;
  return {
    ...kept,
    ...detailsOf(party),
    organisationPath,
    manager: party.relationshipManager,
    region,
    district,
    branch,
    timeZone,
    language,
    synthetic,
    state: party.state || PartyState.PARTY_STATE_ACTIVE,
    quality: quality.score,
    issues: issueCodes(quality),
    sealed: sealParty(deps.cipher, kept.partyId, kept.wrappedKey, sensitiveOf(party)),
  };
}

/** A new party with a key of its own. */
export function newRecord(deps: Pick<Deps, 'cipher' | 'clock'>, clean: CleanParty): PartyRecord {
  const { party } = clean;
  const partyId = uuidv7();
  const key: PartyKey = deps.cipher.newKey(partyId);
  const now = deps.clock.now();
  return recordOf(deps, clean, {
    partyId,
    wrappedKey: key.wrapped,
    source: party.source || null,
    sourceKey: party.sourceKey || null,
    version: 1,
    createTime: now,
    updateTime: now,
    goldenId: partyId,
    aliases: [],
  });
}

/** The etag of a version. */
export function partyEtag(row: { version: number }): string {
  return `"${row.version}"`;
}

/** The fields of class C2, as they are named in `masked`. */
const maskedPerson = pathsOf(PartyKind.PARTY_KIND_PERSON).filter((path) => path.startsWith('person.'));
const maskedOrganisation = ['organisation.legal_name', 'organisation.registration_number'];
const maskedAlways = ['display_name', 'source_key', 'contact_points', 'identifiers'];

/**
 * The message of a row. `clear` says which rows the caller may see in full; of the others the fields of class C2 stay
 * empty and are named in `masked`, and nothing is opened.
 */
export function partyMessage(deps: Pick<Deps, 'cipher'>, row: PartyRecord, clear: Scope): Party {
  const person = row.kind === PartyKind.PARTY_KIND_PERSON;
  const shown = within(clear, row.organisationPath, row.manager, row.shared ?? false);
  const sensitive = shown ? openParty(deps.cipher, row) : undefined;
  return {
    name: partyName(row.partyId),
    kind: row.kind,
    details: person
      ? { $case: 'person', value: shown ? personOf(row) : Person.fromPartial({}) }
      : { $case: 'organisation', value: organisationOf(row, sensitive) },
    displayName: shown ? row.displayName : '',
    source: row.source ?? '',
    sourceKey: shown ? (row.sourceKey ?? '') : '',
    organisationPath: row.organisationPath,
    relationshipManager: row.manager,
    region: row.region,
    district: row.district,
    branch: row.branch,
    timeZone: row.timeZone,
    language: row.language,
    contactPoints: sensitive?.contactPoints ?? [],
    identifiers: sensitive?.identifiers ?? [],
    synthetic: row.synthetic,
    state: row.state,
    createTime: row.createTime,
    updateTime: row.updateTime,
    etag: partyEtag(row),
    aliases: row.aliases.map(partyName),
    masked: shown ? undefined : [...maskedAlways, ...(person ? maskedPerson : maskedOrganisation)],
  };
}

function personOf(row: PartyRecord): Person {
  const { givenName, familyName, sex, birthDate, salutation, occupation, industry, education } = row;
  return {
    ...{ givenName, familyName, sex, salutation, occupation, industry, education },
    birthDate: birthDate === null ? undefined : dayMessage(birthDate),
    income: incomeOf(row),
  };
}

function incomeOf({ income, incomeCurrency, incomeDate }: PartyRecord): Income | undefined {
  if (income === null) return undefined;
  const asOf = incomeDate === null ? undefined : dayMessage(incomeDate);
  return { perYear: { minorUnits: income, currencyCode: incomeCurrency }, asOf };
}

function organisationOf(row: PartyRecord, sensitive: Sensitive | undefined): Organisation {
  const { legalForm, legalName, industry } = row;
  if (!sensitive) return { legalName: '', legalForm, industry, registrationNumber: '' };
  return { legalName, legalForm, industry, registrationNumber: sensitive.registrationNumber };
}

type Told = Omit<PartyCreated, 'createTime'>;

function told(row: PartyRecord): Told {
  return {
    party: partyName(row.partyId),
    organisationPath: row.organisationPath,
    kind: row.kind,
    sex: row.sex,
    birthDate: row.birthDate === null ? undefined : dayMessage(row.birthDate),
    region: row.region,
    district: row.district,
    branch: row.branch,
    relationshipManager: row.manager,
    source: row.source ?? '',
    language: row.language,
    state: row.state,
    synthetic: row.synthetic,
    occupation: row.occupation,
    industry: row.industry,
    education: row.education,
    income: incomeOf(row)?.perYear,
  };
}

/** What the world hears of a new party. */
export function partyCreated(row: PartyRecord): PartyCreated {
  return { ...told(row), createTime: row.createTime };
}

/** What the world hears of a change; `paths` are the fields that changed. */
export function partyUpdated(row: PartyRecord, paths: string[]): PartyUpdated {
  return { ...told(row), changed: paths, updateTime: row.updateTime };
}
