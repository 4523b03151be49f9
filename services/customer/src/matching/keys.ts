import type { Profile } from './profile.js';
import { skeleton } from './profile.js';

function keyOf({ person }: Profile, pass: string, parts: readonly string[]): string | undefined {
  return parts.every((part) => part !== '') ? `${person ? 'p' : 'o'}${pass}\0${parts.join('\0')}` : undefined;
}

function dwelling({ street, house, postal, locality }: Profile): string[] {
  return [skeleton(street), house, (postal || locality.slice(0, 4)).slice(0, 3)];
}

/** The blocking key that those share who live under one number of one street; undefined where that is not known. */
export function dwellingKey(profile: Profile): string | undefined {
  return keyOf(profile, 'dwelling', dwelling(profile));
}

/**
 * The blocking keys of a profile: two parties are compared when they share one. Each key joins at least two facts, or
 * is a fact with very many values, so that a keyed hash of it cannot be tried out. The passes are chosen so that an
 * error in any one or two fields leaves a key that still agrees:
 *
 * - name and part of the birth date: family+year, family+month and day, given+month and day, date+each initial
 * - the whole name in either order, alone and with the town
 * - what identifies: identifier, its beginning or end with an initial, e-mail, its local part, its domain with a year,
 *   telephone
 * - where: postal code+each name, street+number+place, birth date+place
 */
export function blockingKeys(profile: Profile): string[] {
  const { given, family, birth, locality, postal } = profile;
  const g = skeleton(given);
  const f = skeleton(family);
  const year = birth.slice(0, 4);
  const day = birth.slice(4);
  const place = postal || locality.slice(0, 4);
  const keys: string[] = [];
  const add = (pass: string, ...parts: string[]): void => {
    const key = keyOf(profile, pass, parts);
    if (key !== undefined) keys.push(key);
  };
  add('family-year', f, year);
  add('family-day', f, day);
  add('given-day', g, day);
  add('date-family', birth, f.slice(0, 1));
  add('date-given', birth, g.slice(0, 1));
  add('date-place', birth, place);
  const names = [g, f].sort();
  add('names', ...names);
  add('names-place', ...names, locality.slice(0, 3) || postal.slice(0, 2));
  add('postal-family', postal, f);
  add('postal-given', postal, g);
  add('dwelling', ...dwelling(profile));
  if (!profile.person) add('name-start', family.slice(0, 6));
  for (const email of profile.emails) {
    const [local = '', domain = ''] = email.split('@');
    add('email', email);
    if (local.length >= 5) add('email-local', local);
    add('email-domain', domain, year || f);
  }
  for (const phone of profile.phones) add('phone', phone);
  for (const { kind, value } of profile.identifiers) {
    add('identifier', kind, value);
    if (value.length < 6) continue;
    const half = Math.ceil(value.length / 2);
    add('identifier-start', kind, value.slice(0, half), f.slice(0, 1) || year);
    add('identifier-end', kind, value.slice(-half), f.slice(0, 1) || year);
  }
  return [...new Set(keys)];
}
