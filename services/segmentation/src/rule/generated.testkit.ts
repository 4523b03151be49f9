// Rules by chance, each written twice: as a rule, and as CEL over variables that hold the values of its attributes, so that
// CEL itself can say what the rule means. What is written down here is the rule about missing values: a comparison holds
// when all values in it are known and CEL says so.
import { celEnv, parse, plan } from '@bufbuild/cel';
import fc from 'fast-check';
import { births, flags, numbers, texts } from './meanings.testkit.js';
import { type Meaning, type Person, regions, type Value } from './people.testkit.js';

/** Gives the variable of an attribute's value; that with a k for the v says whether it is known. */
type Use = (meaning: Meaning) => string;
interface Written {
  text: string;
  cel(use: Use): string;
}
/** A value of a rule, and what has to be true for it to be known. */
interface Reckoned extends Written {
  needs(use: Use): string[];
}

const known = (variable: string) => variable.replace('v', 'k');
const attribute = (meaning: Meaning): Reckoned => ({
  text: meaning.text,
  cel: (use) => use(meaning),
  needs: (use) => [known(use(meaning))],
});
/** Numbers are decimals, whether a point stands in them or not. */
const decimal = (value: number) => (Number.isInteger(value) ? `${value}.0` : String(value));
const constants = fc
  .oneof(fc.integer({ min: 0, max: 4 }), fc.constantFrom(18, 20, 74, 500.5, 1000, 0.2, 1234.567))
  .chain((value) => fc.constantFrom(value, -value || 0))
  .map((value): Reckoned => ({ text: String(value), cel: () => decimal(value), needs: () => [] }));

const { reckoned } = fc.letrec<{ reckoned: Reckoned }>((tie) => ({
  reckoned: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    { arbitrary: numbers.map(attribute), weight: 6 },
    fc.tuple(tie('reckoned'), fc.constantFrom('+', '-', '*'), fc.oneof(constants, tie('reckoned'))).map(
      ([left, op, right]): Reckoned => ({
        text: `(${left.text} ${op} ${right.text})`,
        cel: (use) => `(${left.cel(use)} ${op} ${right.cel(use)})`,
        needs: (use) => [...left.needs(use), ...right.needs(use)],
      }),
    ),
    fc.tuple(fc.oneof(constants, tie('reckoned')), tie('reckoned')).map(
      ([left, right]): Reckoned => ({
        text: `(${left.text} / ${right.text})`,
        cel: (use) => `(${left.cel(use)} / ${right.cel(use)})`,
        needs: (use) => [...left.needs(use), ...right.needs(use), `${right.cel(use)} != 0.0`],
      }),
    ),
    tie('reckoned').map(
      (part): Reckoned => ({ text: `-${part.text}`, cel: (use) => `-${part.cel(use)}`, needs: part.needs }),
    ),
  ),
}));

const comparisons = fc.constantFrom('==', '!=', '<', '<=', '>', '>=');
/** A comparison, in which `said` is what CEL is asked when everything is known. */
const asked = (text: string, needs: (use: Use) => string[], said: (use: Use) => string): Written => ({
  text,
  cel: (use) => `(${[...needs(use), said(use)].join(' && ')})`,
});

const compared = fc
  .tuple(reckoned, comparisons, fc.oneof(constants, constants, reckoned), fc.boolean())
  .map(([one, op, other, turned]): Written => {
    const [left, right] = turned ? [other, one] : [one, other];
    return asked(
      `${left.text} ${op} ${right.text}`,
      (use) => [...left.needs(use), ...right.needs(use)],
      (use) => `${left.cel(use)} ${op} ${right.cel(use)}`,
    );
  });
const chosen = fc.constantFrom(...texts);
const textual = fc.oneof(
  chosen.chain(({ meaning, constants: words }) =>
    fc.tuple(fc.constantFrom('==', '!='), fc.constantFrom(...words)).map(([op, word]): Written => {
      const written = JSON.stringify(word);
      const { needs, cel } = attribute(meaning);
      return asked(`${meaning.text} ${op} ${written}`, needs, (use) => `${cel(use)} ${op} ${written}`);
    }),
  ),
  chosen.chain(({ meaning, constants: words }) =>
    fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 3 }).map((list): Written => {
      const { needs, cel } = attribute(meaning);
      const written = JSON.stringify(list);
      return asked(`${meaning.text} in ${written}`, needs, (use) => `${cel(use)} in ${written}`);
    }),
  ),
  fc
    .constantFrom(...texts.flatMap(({ meaning, prefixes }) => prefixes.map((prefix) => ({ meaning, prefix }))))
    .map(({ meaning, prefix }): Written => {
      const { needs, cel } = attribute(meaning);
      return asked(`${meaning.text}.startsWith("${prefix}")`, needs, (use) => `${cel(use)}.startsWith("${prefix}")`);
    }),
  fc.tuple(fc.constantFrom('==', '!='), fc.constantFrom('M', 'female', 'woman', 'other')).map(([op, word]): Written => {
    const value = { M: 'male', female: 'female', woman: 'female', other: 'other' }[word] ?? '';
    const { needs, cel } = attribute({ text: 'party.sex', of: ({ sex }) => sex || undefined });
    return asked(`party.sex ${op} "${word}"`, needs, (use) => `${cel(use)} ${op} "${value}"`);
  }),
);
const born = fc.tuple(comparisons, fc.constantFrom('1950-02-28', '2004-03-31')).map(([op, day]): Written => {
  const { needs, cel } = attribute(births);
  return asked(
    `party.birth_date ${op} date("${day}")`,
    needs,
    (use) => `${cel(use)} ${op} ${decimal(Number(day.replaceAll('-', '')))}`,
  );
});
/** What asks for other segments, with what those are. */
export const segments: Record<string, { rule: string; meaning: Meaning<boolean> }> = {
  women: {
    rule: 'party.sex == "female"',
    meaning: { text: 'segment.member("women")', of: ({ sex }) => sex === 'female' },
  },
  north: {
    rule: `party.region == "${regions[1]}" && segment.member("women")`,
    meaning: {
      text: 'segment.member("north")',
      of: ({ sex, region }) => sex === 'female' && region === regions[1],
    },
  },
};
const others = Object.values(segments).map(({ meaning }) => meaning);
const flagged = fc.tuple(fc.constantFrom(...flags, ...others), fc.constantFrom('', ' == true', ' != true')).map(
  ([meaning, compare]): Written => ({
    text: `${meaning.text}${compare}`,
    cel: (use) => `(${known(use(meaning))} && ${use(meaning)}${compare})`,
  }),
);

/** Rules up to four levels deep. */
export const rules: fc.Arbitrary<Written> = fc.letrec<{ rule: Written }>((tie) => ({
  rule: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.oneof({ arbitrary: compared, weight: 4 }, textual, born, flagged),
    tie('rule').map(({ text, cel }): Written => ({ text: `!(${text})`, cel: (use) => `!(${cel(use)})` })),
    fc.tuple(tie('rule'), fc.constantFrom('&&', '||'), tie('rule')).map(
      ([left, op, right]): Written => ({
        text: `(${left.text}) ${op} (${right.text})`,
        cel: (use) => `(${left.cel(use)}) ${op} (${right.cel(use)})`,
      }),
    ),
  ),
})).rule;

const worth = new WeakMap<readonly Person[], Map<string, Value[]>>();
/** What an attribute is for each of the bank on a day. */
function valuesOf(meaning: Meaning, bank: readonly Person[], asOf: number): Value[] {
  const kept = worth.get(bank) ?? new Map<string, Value[]>();
  worth.set(bank, kept);
  const key = `${asOf} ${meaning.text}`;
  const values = kept.get(key) ?? bank.map((person) => meaning.of(person, asOf));
  kept.set(key, values);
  return values;
}

/** Whom a rule takes by CEL's own evaluation, as the engine of the parser does it. Throws when CEL cannot say. */
export function takenByCel(rule: Written, bank: readonly Person[], asOf: number): string[] {
  const used = new Map<string, Meaning>();
  const variables = new Map<string, string>();
  const text = rule.cel((meaning) => {
    used.set(meaning.text, meaning);
    const name = variables.get(meaning.text) ?? `v${variables.size}`;
    variables.set(meaning.text, name);
    return name;
  });
  const evaluate = plan(celEnv(), parse(text)) as (values: Record<string, Exclude<Value, undefined>>) => unknown;
  const columns = [...used].map(([written, meaning]) => ({
    name: variables.get(written) ?? '',
    all: valuesOf(meaning, bank, asOf),
  }));
  return bank
    .filter((_, index) => {
      const values: Record<string, Exclude<Value, undefined>> = {};
      for (const { name, all } of columns) {
        const value = all[index];
        values[known(name)] = value !== undefined;
        // One that is missing is never looked at, but CEL wants it to be there.
        values[name] = value ?? 0;
      }
      const said = evaluate(values);
      if (typeof said !== 'boolean') throw new Error(`CEL does not know what ${text} is`);
      return said;
    })
    .map(({ id }) => id);
}
