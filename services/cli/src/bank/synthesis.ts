import { createHash } from 'node:crypto';

/** Invented people for banks whose data has none. Every party made with these is flagged synthetic. */

const GIVEN_MALE = [
  'Jan',
  'Petr',
  'Josef',
  'Pavel',
  'Martin',
  'Tomáš',
  'Jaroslav',
  'Miroslav',
  'Zdeněk',
  'Václav',
  'Michal',
  'František',
  'Jakub',
  'Milan',
  'Karel',
  'Lukáš',
  'David',
  'Vladimír',
  'Ondřej',
  'Ladislav',
  'Roman',
  'Stanislav',
  'Marek',
  'Radek',
  'Daniel',
  'Antonín',
  'Vojtěch',
  'Filip',
  'Adam',
  'Matěj',
];
const GIVEN_FEMALE = [
  'Marie',
  'Jana',
  'Eva',
  'Hana',
  'Anna',
  'Lenka',
  'Kateřina',
  'Věra',
  'Lucie',
  'Alena',
  'Petra',
  'Veronika',
  'Jaroslava',
  'Tereza',
  'Martina',
  'Michaela',
  'Jitka',
  'Helena',
  'Ludmila',
  'Zdeňka',
  'Ivana',
  'Monika',
  'Eliška',
  'Zuzana',
  'Markéta',
  'Barbora',
  'Dagmar',
  'Dana',
  'Kristýna',
  'Božena',
];
const FAMILY: readonly (readonly [string, string])[] = [
  ['Novák', 'Nováková'],
  ['Svoboda', 'Svobodová'],
  ['Novotný', 'Novotná'],
  ['Dvořák', 'Dvořáková'],
  ['Černý', 'Černá'],
  ['Procházka', 'Procházková'],
  ['Kučera', 'Kučerová'],
  ['Veselý', 'Veselá'],
  ['Horák', 'Horáková'],
  ['Němec', 'Němcová'],
  ['Marek', 'Marková'],
  ['Pospíšil', 'Pospíšilová'],
  ['Pokorný', 'Pokorná'],
  ['Hájek', 'Hájková'],
  ['Král', 'Králová'],
  ['Jelínek', 'Jelínková'],
  ['Růžička', 'Růžičková'],
  ['Beneš', 'Benešová'],
  ['Fiala', 'Fialová'],
  ['Sedláček', 'Sedláčková'],
  ['Doležal', 'Doležalová'],
  ['Zeman', 'Zemanová'],
  ['Kolář', 'Kolářová'],
  ['Navrátil', 'Navrátilová'],
  ['Čermák', 'Čermáková'],
  ['Vaněk', 'Vaňková'],
  ['Urban', 'Urbanová'],
  ['Blažek', 'Blažková'],
  ['Kříž', 'Křížová'],
  ['Kovář', 'Kovářová'],
  ['Bartoš', 'Bartošová'],
  ['Vlček', 'Vlčková'],
  ['Polák', 'Poláková'],
  ['Musil', 'Musilová'],
  ['Kopecký', 'Kopecká'],
  ['Šimek', 'Šimková'],
  ['Konečný', 'Konečná'],
  ['Malý', 'Malá'],
  ['Holub', 'Holubová'],
  ['Štěpánek', 'Štěpánková'],
];
const STREETS = [
  'Nádražní',
  'Husova',
  'Komenského',
  'Palackého',
  'Zahradní',
  'Školní',
  'Polní',
  'Lipová',
  'Krátká',
  'Sokolská',
  'Tyršova',
  'Na Výsluní',
  'Dlouhá',
  'Jiráskova',
  'Květinová',
  'Lesní',
  'Hlavní',
  'Mlýnská',
  'Slunečná',
  'Luční',
];

/** A whole number in [0, below) that depends on the key alone: the same key gives the same number on every machine. */
export function pick(key: string, below: number): number {
  return createHash('sha256').update(key).digest().readUIntBE(0, 6) % below;
}

const choose = <T>(list: readonly T[], key: string): T => list[pick(key, list.length)] as T;

export interface SyntheticPerson {
  readonly givenName: string;
  readonly familyName: string;
  readonly email: string;
  readonly phone: string;
  readonly street: string;
  readonly postalCode: string;
  readonly language: 'cs' | 'en' | 'zh';
  readonly consent: 'granted' | 'withdrawn' | 'none';
}

/**
 * Invents a person from a key and a sex: the same key gives the same person. Mail addresses stand under
 * example.com (RFC 2606), so that nothing can ever reach a stranger; phones stand in +420 601 000 000 and up, one per number.
 * Of a hundred people about 80 grant marketing by e-mail, 8 have withdrawn it and 12 never said.
 */
export function synthesisePerson(bank: string, key: string, number: number, sex: 'male' | 'female'): SyntheticPerson {
  const at = `${bank}/${key}`;
  const family = choose(FAMILY, `${at}/family`);
  const draw = pick(`${at}/consent`, 100);
  const tongue = pick(`${at}/language`, 100);
  return {
    givenName: choose(sex === 'male' ? GIVEN_MALE : GIVEN_FEMALE, `${at}/given`),
    familyName: sex === 'male' ? family[0] : family[1],
    email: `client.${number}@${bank}.example.com`,
    phone: `+420${601_000_000 + number}`,
    street: `${choose(STREETS, `${at}/street`)} ${1 + pick(`${at}/house`, 180)}`,
    postalCode: String(10_000 + pick(`${at}/postal`, 69_999)),
    language: tongue < 85 ? 'cs' : tongue < 95 ? 'en' : 'zh',
    consent: draw < 80 ? 'granted' : draw < 88 ? 'withdrawn' : 'none',
  };
}

/** Invents an employee's display name from the staff id. */
export function synthesiseStaffName(bank: string, id: string): string {
  const female = pick(`${bank}/${id}/sex`, 2) === 1;
  const family = choose(FAMILY, `${bank}/${id}/family`);
  return `${choose(female ? GIVEN_FEMALE : GIVEN_MALE, `${bank}/${id}/given`)} ${female ? family[1] : family[0]}`;
}
