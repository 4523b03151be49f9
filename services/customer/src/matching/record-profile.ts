import type { MatchRecord } from '@rapport/proto/customer/v1';
import { addressParts, joined, known, organisationWord, phoneDigits, type Profile } from './profile.js';

/** One form of an e-mail address, typing errors and all; '' when it says nothing. */
export function emailForm(text: string): string {
  const trimmed = text.trim().toLowerCase();
  return known(trimmed) === '' ? '' : trimmed.replace(/\s+/g, '');
}

const filled = (values: readonly string[]): string[] => [...new Set(values.filter((value) => value !== ''))];

/** The profile of a record of a file. */
export function recordProfile(record: MatchRecord): Profile {
  const organisation = known(record.legalName) !== '';
  const person = !organisation;
  return {
    person,
    given: person ? joined(known(record.givenName)) : '',
    family: organisation ? organisationWord(record.legalName) : joined(known(record.familyName)),
    birth: record.birthDate,
    sex: record.sex < 0 ? 0 : record.sex,
    ...addressParts(record.addressLines, known(record.houseNumber)),
    locality: joined(known(record.locality)),
    postal: joined(known(record.postalCode)),
    emails: filled(record.emails.map(emailForm)),
    phones: filled(record.phones.map(phoneDigits)),
    identifiers: record.identifiers.flatMap(({ kind, value, strong }) => {
      const form = joined(known(value));
      return form === '' ? [] : [{ kind, value: form, strong }];
    }),
    attributes: record.attributes.map((value) => joined(known(value))),
  };
}
