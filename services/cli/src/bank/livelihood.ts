import { EducationLevel } from '@rapport/proto/customer/v1';
import type { Livelihood, PlainDate } from './bank.js';

/** Occupation (ISCO-08), industry (ISIC Rev. 4), education and what is earned in a year: jobs that a town has. */
const JOBS = [
  ['1120', 'K64', EducationLevel.EDUCATION_LEVEL_MASTER, 65_000],
  ['2212', 'Q86', EducationLevel.EDUCATION_LEVEL_DOCTORAL, 72_000],
  ['2341', 'P85', EducationLevel.EDUCATION_LEVEL_MASTER, 34_000],
  ['2512', 'J62', EducationLevel.EDUCATION_LEVEL_BACHELOR, 55_000],
  ['3311', 'K66', EducationLevel.EDUCATION_LEVEL_SHORT_TERTIARY, 42_000],
  ['4110', 'O84', EducationLevel.EDUCATION_LEVEL_UPPER_SECONDARY, 26_000],
  ['5223', 'G47', EducationLevel.EDUCATION_LEVEL_UPPER_SECONDARY, 21_000],
  ['6111', 'A01', EducationLevel.EDUCATION_LEVEL_LOWER_SECONDARY, 19_000],
  ['7231', 'C29', EducationLevel.EDUCATION_LEVEL_POST_SECONDARY, 28_000],
  ['8322', 'H49', EducationLevel.EDUCATION_LEVEL_LOWER_SECONDARY, 23_000],
  ['9112', 'N81', EducationLevel.EDUCATION_LEVEL_PRIMARY, 15_000],
  ['0310', 'O84', EducationLevel.EDUCATION_LEVEL_UPPER_SECONDARY, 30_000],
] as const;
const GROWN_UP = 20;
const RETIRED = 66;
/** What a pension is of the earnings before it. */
const PENSION = 0.55;

/**
 * What an invented person does and earns, as the bank was told on a day; undefined for the young and for one in eight of
 * whom it was not told. `draw` gives a number below another, always the same for the same words.
 */
export function livelihoodOf(
  draw: (what: string, below: number) => number,
  bornIn: number,
  asOf: PlainDate,
  currency: string,
): Livelihood | undefined {
  const age = asOf.year - bornIn;
  if (age < GROWN_UP || draw('told', 8) === 0) return undefined;
  const [occupation, industry, education, usual] = JOBS[draw('job', JOBS.length)] as (typeof JOBS)[number];
  const works = age < RETIRED;
  // From four fifths to six fifths of what is usual, in whole hundreds.
  const earned = (usual * (80 + draw('income', 41))) / 100;
  const income = Math.round((works ? earned : earned * PENSION) / 100) * 100;
  return {
    occupation: works ? occupation : '',
    industry: works ? industry : '',
    education,
    incomeMinor: BigInt(income) * 100n,
    incomeCurrency: currency,
    incomeAsOf: asOf,
  };
}
