/** The major groups of ISCO-08 in the words of rules, by the first digit of a code. */
export const occupationGroups: Readonly<Record<string, string>> = {
  '0': 'armed_forces',
  '1': 'managers',
  '2': 'professionals',
  '3': 'technicians',
  '4': 'clerical',
  '5': 'service_sales',
  '6': 'skilled_agricultural',
  '7': 'craft_trades',
  '8': 'machine_operators',
  '9': 'elementary',
};

/** The sections of ISIC Rev. 4 in the words of rules, by the letter that a code begins with. */
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

/** The levels of ISCED 2011 in the words of rules; the place of each is its level. */
export const educationLevels = [
  'early_childhood',
  'primary',
  'lower_secondary',
  'upper_secondary',
  'post_secondary',
  'short_tertiary',
  'bachelor',
  'master',
  'doctoral',
] as const;
