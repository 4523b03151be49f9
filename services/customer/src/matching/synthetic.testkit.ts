import { MatchRecord, Sex } from '@rapport/proto/customer/v1';
import { blocksOf } from './blocks.js';
import { learnFrom } from './engine.js';
import { blockingKeys } from './keys.js';
import type { Parameters } from './model.js';
import { collectPopulation } from './population.js';
import { recordProfile } from './record-profile.js';
import { openCrew } from './threads.js';
import { type Ground, randomBits } from './work.js';

/** A made-up record and the person that it is of. */
export interface Made {
  record: MatchRecord;
  truth: string;
}

interface Person {
  given: string;
  family: string;
  birth: string;
  sex: Sex;
  street: string;
  house: string;
  locality: string;
  postal: string;
  email: string;
  phone: string;
  number: string;
}

const onset = 'b c d f g h j k l m n p r s t v z br dr gr kl kr pr sl st tr'.split(' ');
const vowel = 'a e i o u a e i o'.split(' ');
const end = 'n r s l k t a o e va ski ova man son er ic ek'.split(' ');

/** Makes people of a town and records of them, the same for the same seed. */
export function synthesis(seed: number) {
  const next = randomBits(seed);
  const unit = (): number => next() / 2 ** 32;
  const below = (limit: number): number => Math.floor(unit() * limit);
  const chance = (share: number): boolean => unit() < share;
  const pick = <T>(from: readonly T[]): T => from[below(from.length)] as T;
  /** A few are common and most are rare, as names are. */
  const zipf = <T>(from: readonly T[]): T => from[Math.floor(from.length * unit() ** 2.5)] as T;
  const word = (parts: number): string =>
    Array.from({ length: parts }, () => pick(onset) + pick(vowel)).join('') + pick(end);
  const words = (count: number, parts: number): string[] => [
    ...new Set(Array.from({ length: count }, () => word(parts))),
  ];
  const givens = words(400, 1).concat(words(200, 2));
  const families = words(3000, 2);
  const streets = words(2500, 2);
  const towns = words(300, 2);
  const two = (value: number): string => String(value).padStart(2, '0');
  const digits = (count: number): string => Array.from({ length: count }, () => below(10)).join('');

  const home = (): Pick<Person, 'street' | 'house' | 'locality' | 'postal'> => {
    const town = Math.floor(towns.length * unit() ** 2);
    const locality = towns[town] as string;
    return { street: pick(streets), house: String(1 + below(150)), locality, postal: `${10_000 + town * 37}` };
  };
  const day = (year: number): string => `${year}${two(1 + below(12))}${two(1 + below(28))}`;

  function person(over: Partial<Person> = {}): Person {
    const given = over.given ?? zipf(givens);
    const family = over.family ?? zipf(families);
    return {
      given,
      family,
      birth: day(1930 + below(75)),
      sex: chance(0.5) ? Sex.SEX_FEMALE : Sex.SEX_MALE,
      ...home(),
      email: `${given}.${family}${below(100)}@${chance(0.6) ? pick(['mail.example', 'post.example', 'web.example']) : `${pick(families)}.example`}`,
      phone: `+4206${digits(8)}`,
      number: digits(10),
      ...over,
    };
  }

  const letters = 'abcdefghijklmnopqrstuvwxyz';
  function typo(text: string): string {
    if (text.length < 3) return text;
    const at = below(text.length - 1);
    const other = /\d/.test(text[at] as string) ? String(below(10)) : pick([...letters]);
    const kind = below(4);
    if (kind === 0) return text.slice(0, at) + text.slice(at + 1);
    if (kind === 1) return text.slice(0, at) + other + text.slice(at);
    if (kind === 2) return text.slice(0, at) + other + text.slice(at + 1);
    return text.slice(0, at) + text[at + 1] + text[at] + text.slice(at + 2);
  }
  const wrongDay = (birth: string): string => {
    if (chance(0.3)) return birth.slice(0, 4) + birth.slice(6) + birth.slice(4, 6);
    const at = 3 + below(5);
    return birth.slice(0, at) + below(10) + birth.slice(at + 1);
  };

  function record(of: Person, strong: boolean): MatchRecord {
    return MatchRecord.fromPartial({
      givenName: of.given,
      familyName: of.family,
      birthDate: of.birth,
      sex: of.sex,
      addressLines: [`${of.street} ${of.house}`],
      locality: of.locality,
      postalCode: of.postal,
      emails: of.email === '' ? [] : [of.email],
      phones: of.phone === '' ? [] : [of.phone],
      identifiers: of.number === '' ? [] : [{ kind: 'national_id', value: of.number, strong }],
    });
  }

  /** Another record of the same person, with what happens between two sources. */
  function again(of: Person): Person {
    let copy = { ...of };
    if (chance(0.2)) copy = { ...copy, ...home() };
    if (of.sex === Sex.SEX_FEMALE && chance(0.06)) copy.family = zipf(families);
    if (chance(0.03)) copy = { ...copy, given: copy.family, family: copy.given };
    if (chance(0.04)) copy.given = copy.given.slice(0, 1);
    if (chance(0.15)) copy.given = typo(copy.given);
    if (chance(0.15)) copy.family = typo(copy.family);
    if (chance(0.08)) copy.birth = wrongDay(copy.birth);
    if (chance(0.15)) copy.street = typo(copy.street);
    if (chance(0.3)) copy.email = chance(0.5) ? '' : `${word(2)}@${pick(families)}.example`;
    if (chance(0.3)) copy.phone = chance(0.5) ? '' : `+4206${digits(8)}`;
    if (chance(0.4)) copy.number = '';
    if (chance(0.05)) copy.birth = '';
    return copy;
  }

  /** People of whom `duplicated` have one to three further records, and whom some households bind together. */
  function bank(people: number, duplicated: number, strong = true): Made[] {
    const made: Made[] = [];
    const add = (of: Person, truth: string): void => void made.push({ record: record(of, strong), truth });
    for (let at = 0; at < people; at += 1) {
      const one = person();
      const truth = `p${at}`;
      add(chance(0.3) ? { ...one, number: '' } : one, truth);
      if (chance(duplicated)) for (let copy = 0; copy <= below(3); copy += 1) add(again(one), truth);
      if (!chance(0.12)) continue;
      add(relative(one, at), `r${at}`);
    }
    return made;
  }

  /** Somebody else at the same address: a twin, a parent or child of the same name, or a spouse. */
  function relative(of: Person, at: number): Person {
    const { street, house, locality, postal, family } = of;
    const shared = { street, house, locality, postal, family, phone: chance(0.3) ? of.phone : `+4206${digits(8)}` };
    const number = chance(0.6) ? '' : digits(10);
    if (at % 3 === 0) return person({ ...shared, number, birth: of.birth, sex: of.sex });
    if (at % 3 === 1)
      return person({ ...shared, number, given: of.given, sex: of.sex, birth: day(Number(of.birth.slice(0, 4)) - 27) });
    return person({ ...shared, number });
  }

  return { person, again, record, relative, bank };
}

/** What the matcher learns from so many made-up people. */
export async function learnedFromSynthesis(
  seed: number,
  people: number,
): Promise<{ parameters: Parameters; records: number }> {
  const ground = groundOf(
    synthesis(seed)
      .bank(people, 0.2)
      .map(({ record }) => record),
  );
  const crew = openCrew(ground);
  const { parameters } = await learnFrom(ground, crew);
  await crew.close();
  return { parameters, records: ground.population.size };
}

/** What a run over records works on. */
export function groundOf(records: readonly MatchRecord[]): Ground {
  const collected = collectPopulation();
  const byKey = new Map<string, number[]>();
  for (const record of records) {
    const profile = recordProfile(record);
    const number = collected.add(profile);
    for (const key of blockingKeys(profile)) {
      const block = byKey.get(key) ?? [];
      block.push(number);
      byKey.set(key, block);
    }
  }
  const population = collected.done();
  const kept = [...byKey.values()].filter(({ length }) => length > 1 && length <= 500);
  const starts = [0];
  for (const { length } of kept) starts.push((starts.at(-1) as number) + length);
  const blocks = blocksOf(starts, kept.flat(), population.size);
  return { population, blocks, attributes: [], across: false };
}
