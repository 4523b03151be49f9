import type { MatchRecord } from '@rapport/proto/customer/v1';
import { isChinese, splitChinese } from '../cleaning/cleaning.js';
import { addressParts, joined, known, organisationWord, phoneDigits, type Profile } from './profile.js';

/** One form of an e-mail address, typing errors and all; '' when it says nothing. */
export function emailForm(text: string): string {
  const trimmed = text.trim().toLowerCase();
  return known(trimmed) === '' ? '' : trimmed.replace(/\s+/g, '');
}

const filled = (values: readonly string[]): string[] => [...new Set(values.filter((value) => value !== ''))];

/** The name of a person; a Chinese one that came in one piece has its family name first. */
function nameOf({ givenName, familyName }: MatchRecord): { givenName: string; familyName: string } {
  const whole = `${givenName}${familyName}`.trim();
  const inOne = (givenName === '' || familyName === '') && [...whole].length > 1 && isChinese(whole);
  return inOne ? splitChinese(whole) : { givenName, familyName };
}

/** The profile of a record of a file. */
export function recordProfile(record: MatchRecord): Profile {
  const organisation = known(record.legalName) !== '';
  const person = !organisation;
  const name = nameOf(record);
  return {
    person,
    given: person ? joined(known(name.givenName)) : '',
    family: organisation ? organisationWord(record.legalName) : joined(known(name.familyName)),
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
