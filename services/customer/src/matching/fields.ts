import { most } from './profile.js';

/** One way in which two values of a field can agree or differ. */
export interface Level {
  name: string;
  /** How often two records of the same party stand so, before anything was learned. */
  prior: number;
  /**
   * Equal values, where it counts how many records have the value: `rare` ones weigh more than common ones (names,
   * places); or only values that very many share lose weight (`common`: a telephone of a call centre, 1 January 1900).
   */
  exact?: 'rare' | 'common';
  /**
   * The bits that it may say at most. What is learned of a level that hardly occurs is a guess, and values that are near
   * each other are made by rows of numbers and by naming rules as well as by typing errors.
   */
  most?: number;
}

/** One comparison of two records. Level 0 of each field is "at least one side knows nothing": no evidence. */
export interface Field {
  name: string;
  /** From level 1 on, the strongest agreement first, plain difference last. */
  levels: readonly Level[];
  /** The share in which a household agrees as one party does. */
  household: number;
}

/** Places of the fields in a comparison. */
export const field = {
  given: 0,
  family: 1,
  birth: 2,
  sex: 3,
  place: 4,
  street: 5,
  email: 6,
  phone: 7,
  identifier: 8,
  attributes: 9,
} as const;

const base: readonly Field[] = [
  {
    name: 'given_name',
    household: 0.06,
    levels: [
      { name: 'exact', prior: 0.82, exact: 'rare' },
      { name: 'near', prior: 0.09 },
      { name: 'similar', prior: 0.03 },
      { name: 'initial', prior: 0.02 },
      { name: 'different', prior: 0.04 },
    ],
  },
  {
    name: 'family_name',
    household: 0.85,
    levels: [
      { name: 'exact', prior: 0.82, exact: 'rare' },
      { name: 'near', prior: 0.09 },
      { name: 'similar', prior: 0.02 },
      { name: 'swapped', prior: 0.02 },
      { name: 'swapped_part', prior: 0.01 },
      { name: 'different', prior: 0.04 },
    ],
  },
  {
    name: 'birth_date',
    household: 0.03,
    levels: [
      { name: 'exact', prior: 0.86, exact: 'common' },
      { name: 'one_edit', prior: 0.08 },
      { name: 'two_parts', prior: 0.02 },
      { name: 'near', prior: 0.02 },
      { name: 'year', prior: 0.01 },
      { name: 'different', prior: 0.01 },
    ],
  },
  {
    name: 'sex',
    household: 0,
    levels: [
      { name: 'exact', prior: 0.98 },
      { name: 'different', prior: 0.02 },
    ],
  },
  {
    name: 'place',
    household: 0.97,
    levels: [
      { name: 'both', prior: 0.6, exact: 'rare' },
      { name: 'one', prior: 0.15, exact: 'rare' },
      { name: 'near', prior: 0.1 },
      { name: 'part', prior: 0.05 },
      { name: 'different', prior: 0.1 },
    ],
  },
  {
    name: 'street',
    household: 0.97,
    levels: [
      { name: 'dwelling', prior: 0.65 },
      { name: 'street', prior: 0.12 },
      { name: 'part', prior: 0.08 },
      { name: 'different', prior: 0.15 },
    ],
  },
  {
    name: 'email',
    household: 0.1,
    levels: [
      { name: 'exact', prior: 0.7, exact: 'common' },
      { name: 'near', prior: 0.1, most: 6 },
      { name: 'local_part', prior: 0.05, most: 6 },
      { name: 'different', prior: 0.15 },
    ],
  },
  {
    name: 'phone',
    household: 0.5,
    levels: [
      { name: 'exact', prior: 0.7, exact: 'common' },
      { name: 'near', prior: 0.05, most: 4 },
      { name: 'different', prior: 0.25 },
    ],
  },
  {
    name: 'identifier',
    household: 0,
    levels: [
      { name: 'exact', prior: 0.9, exact: 'common' },
      { name: 'near', prior: 0.06 },
      { name: 'different', prior: 0.04 },
    ],
  },
];

function attribute(name: string): Field {
  return {
    name,
    household: 0.5,
    levels: [
      { name: 'exact', prior: 0.7, exact: 'common' },
      { name: 'near', prior: 0.15 },
      { name: 'different', prior: 0.15 },
    ],
  };
}

/** The fields of a comparison; `attributes` names the further facts of a file. */
export function fieldsWith(attributes: readonly string[] = []): Field[] {
  return [...base, ...attributes.slice(0, most.attributes).map(attribute)];
}

/** Places of levels that rules ask for. */
export const level = {
  missing: 0,
  exact: 1,
  given: { near: 2, similar: 3, initial: 4, different: 5 },
  family: { near: 2, similar: 3, swapped: 4, swappedPart: 5, different: 6 },
  birth: { oneEdit: 2, twoParts: 3, near: 4, year: 5, different: 6 },
  place: { both: 1, one: 2, near: 3, part: 4, different: 5 },
  street: { dwelling: 1, street: 2, part: 3, different: 4 },
  email: { near: 2, localPart: 3, different: 4 },
  phone: { near: 2, different: 3 },
  identifier: { near: 2, different: 3 },
  attribute: { near: 2, different: 3 },
} as const;
