import type { Party } from '../../api/customer.js';

/** The words of rules and pages for the major groups of ISCO-08; the place of each is the first digit of its codes. */
export const occupationGroups = [
  'armed_forces',
  'managers',
  'professionals',
  'technicians',
  'clerical',
  'service_sales',
  'skilled_agricultural',
  'craft_trades',
  'machine_operators',
  'elementary',
] as const;

/** The words for the sections of ISIC Rev. 4, by the letter that their codes begin with. */
export const industrySections: Readonly<Record<string, string>> = {
  A: 'agriculture',
  B: 'mining',
  C: 'manufacturing',
  D: 'electricity',
  E: 'water_supply',
  F: 'construction',
  G: 'trade',
  H: 'transportation',
  I: 'accommodation_food',
  J: 'information_communication',
  K: 'finance_insurance',
  L: 'real_estate',
  M: 'professional_scientific',
  N: 'administrative_support',
  O: 'public_administration',
  P: 'education_services',
  Q: 'health_social',
  R: 'arts_recreation',
  S: 'other_services',
  T: 'household_employers',
  U: 'extraterritorial',
};

export const educationLevels = [
  'EDUCATION_LEVEL_EARLY_CHILDHOOD',
  'EDUCATION_LEVEL_PRIMARY',
  'EDUCATION_LEVEL_LOWER_SECONDARY',
  'EDUCATION_LEVEL_UPPER_SECONDARY',
  'EDUCATION_LEVEL_POST_SECONDARY',
  'EDUCATION_LEVEL_SHORT_TERTIARY',
  'EDUCATION_LEVEL_BACHELOR',
  'EDUCATION_LEVEL_MASTER',
  'EDUCATION_LEVEL_DOCTORAL',
] as const;

/** The word of the group that a code is in; empty for none. */
export const occupationOf = (code: string): string => occupationGroups[Number(code.charAt(0) || Number.NaN)] ?? '';
export const industryOf = (code: string): string => industrySections[code.charAt(0)] ?? '';

/** What is typed into the form. */
export interface LivelihoodFields {
  /** The first digit, or the letter of the section. */
  occupation?: string;
  occupationCode?: string;
  industry?: string;
  industryCode?: string;
  education?: string;
  /** As it is typed. */
  income?: string;
  currency?: string;
}

/** What a form begins with. `amount` is the income as it would be typed. */
export function fieldsOf({ person, organisation }: Party, amount: string, otherwise: string): LivelihoodFields {
  const industry = (person ?? organisation)?.industry ?? '';
  const exact = (code: string) => (code.length > 1 ? { exactly: code } : {});
  const some = (value: string | undefined) => (value && !value.endsWith('_UNSPECIFIED') ? value : undefined);
  const occupation = person?.occupation ?? '';
  const fields: Record<keyof LivelihoodFields, string | undefined> = {
    occupation: some(occupation.charAt(0)),
    occupationCode: exact(occupation).exactly,
    industry: some(industry.charAt(0)),
    industryCode: exact(industry).exactly,
    education: some(person?.education),
    income: some(amount),
    currency: person?.income?.perYear?.currencyCode ?? otherwise,
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** The code that two fields make; the exact one counts where it is filled in. */
export function codeOf(group: string | undefined, exactly: string | undefined): string {
  return exactly?.replaceAll(/[\s.]/g, '').toUpperCase() || (group ?? '');
}

/** Whether an exact code belongs to the group beside it: `64` and `K64` are of K. */
export function fitsGroup(group: string | undefined, exactly: string | undefined): boolean {
  const code = codeOf(undefined, exactly);
  if (code === '' || group === undefined) return true;
  return code.startsWith(group) || (/^[A-U]$/.test(group) && /^\d/.test(code));
}
