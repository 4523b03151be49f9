import { MatchRecord, Sex } from '@rapport/proto/customer/v1';
import { scaled } from './current-model.js';
import { DEFAULT_BANDS, defaultModel } from './default-model.js';
import { comparerOf } from './comparison.js';
import { judge } from './engine.js';
import { fieldsWith } from './fields.js';
import { mayBeRelatives, restsOnNear } from './model.js';
import { scorer } from './scoring.js';
import { groundOf } from './synthetic.testkit.js';
import { randomBits } from './work.js';

/**
 * Strangers as the demo bank makes them: common names, addresses of mail and telephone that are numbered one after the
 * other, so that those of two people are often one digit apart.
 */
function demoPeople(count: number): MatchRecord[] {
  const next = randomBits(19);
  const below = (limit: number): number => next() % limit;
  const given = 'Jan Petr Josef Pavel Martin Jana Eva Hana Anna Lenka Marie Lucie'.split(' ');
  const family = 'Novák Svoboda Novotný Dvořák Černý Procházka Kučera Veselý Horák Němec'.split(' ');
  const streets = 'Nádražní Husova Komenského Palackého Zahradní Školní Polní Lipová'.split(' ');
  const two = (value: number): string => String(value).padStart(2, '0');
  return Array.from({ length: count }, (_none, at) => {
    const number = at + 1;
    const name = below(given.length);
    return MatchRecord.fromPartial({
      givenName: given[name] ?? '',
      familyName: family[below(family.length)] ?? '',
      sex: name < 5 ? Sex.SEX_MALE : Sex.SEX_FEMALE,
      birthDate: `${1940 + below(68)}${two(1 + below(12))}${two(1 + below(28))}`,
      addressLines: [`${streets[below(streets.length)]} ${1 + below(180)}`],
      locality: ['Praha', 'Brno', 'Ostrava'][below(3)] ?? '',
      postalCode: String(10_000 + below(69_999)),
      emails: [`client.${number}@demo.example.com`],
      phones: [`+420${601_000_000 + number}`],
    });
  });
}

describe('values that are near each other', () => {
  const ground = groundOf(demoPeople(1_500));
  const { population } = ground;
  const pairs = function* (): Generator<[number, number]> {
    for (let a = 0; a < population.size; a += 1) for (let b = 0; b < a; b += 1) yield [b, a];
  };

  it('make no two strangers of a bank one by the model that ships', () => {
    const comparer = comparerOf(population);
    const parameters = scaled(defaultModel.parameters, defaultModel.records, 50_000);
    const judged = scorer({ fields: fieldsWith(), parameters }, comparer, () => undefined);
    let review = 0;
    for (const [a, b] of pairs()) {
      const weight = judged.weight(a, b);
      const doubtful = mayBeRelatives(judged.levels) || restsOnNear(judged.levels);
      if (weight >= DEFAULT_BANDS.auto && !doubtful) throw new Error(JSON.stringify(judged.score(a, b, true)));
      if (weight >= DEFAULT_BANDS.review) review += 1;
    }
    // Namesakes of about one age are worth a look; neighbours in a sequence of numbers are not.
    expect(review).toBeLessThan(population.size / 20);
  });

  it('join nobody in a bank in which everybody is there once, though it learned from that bank', async () => {
    const { clusters, pairs: found } = await judge(ground);
    expect(new Set(clusters.of).size).toBe(population.size);
    expect(found.weight.filter((weight) => weight > 0).length).toBeLessThan(population.size / 20);
  });

  it('of an address or a telephone say less than any same value', () => {
    const one = { givenName: 'Eva', familyName: 'Malá', birthDate: '19700102' };
    const weight = (a: object, b: object): number => {
      const { population: two } = groundOf([
        MatchRecord.fromPartial({ ...one, ...a }),
        MatchRecord.fromPartial({ ...one, ...b }),
      ]);
      return scorer(
        { fields: fieldsWith(), parameters: defaultModel.parameters },
        comparerOf(two),
        () => undefined,
      ).weight(0, 1);
    };
    const alone = weight({}, {});
    const email = (value: string) => ({ emails: [value] });
    const phone = (value: string) => ({ phones: [value] });
    const same = weight(email('eva.mala@mail.example'), email('eva.mala@mail.example')) - alone;
    const typo = weight(email('eva.mala@mail.example'), email('eva.nala@mail.example')) - alone;
    expect(same).toBeGreaterThan(15);
    expect(typo).toBeGreaterThan(1);
    expect(typo).toBeLessThanOrEqual(6);
    // Other digits are another mailbox, however many there are.
    expect(weight(email('client.7@mail.example'), email('client.71@mail.example'))).toBeLessThan(alone);
    expect(weight(phone('+420601234567'), phone('+420651234567')) - alone).toBeLessThanOrEqual(6);
    // The next number of a row is somebody else's.
    expect(weight(phone('+420601234567'), phone('+420601234568'))).toBeLessThan(alone);
  });
});
