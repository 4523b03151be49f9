/**
 * How bad an issue is. `error`: the value cannot be right; `warning`: it may be wrong; `missing`: there is none;
 * `correction`: it was written otherwise and is right now.
 */
export type Severity = 'error' | 'warning' | 'missing' | 'correction';

/** Every issue there is. Codes are published and stored: they say nothing personal and never change their meaning. */
export const severityOf = {
  text_unprintable: 'correction',
  text_too_long: 'error',
  phone_unreadable: 'error',
  phone_country_unknown: 'error',
  phone_impossible: 'error',
  phone_unassigned: 'warning',
  phone_extension_dropped: 'correction',
  phone_reformatted: 'correction',
  phone_missing: 'missing',
  email_syntax: 'error',
  email_domain_suspect: 'warning',
  email_placeholder: 'warning',
  email_reformatted: 'correction',
  email_missing: 'missing',
  name_placeholder: 'error',
  name_unusual_characters: 'warning',
  name_mixed_script: 'warning',
  name_order_suspect: 'warning',
  name_reordered: 'correction',
  name_case_corrected: 'correction',
  name_title_removed: 'correction',
  name_reformatted: 'correction',
  name_missing: 'missing',
  address_reformatted: 'correction',
  address_missing: 'missing',
  postal_code_invalid: 'error',
  postal_code_missing: 'missing',
  date_unreadable: 'error',
  date_ambiguous: 'error',
  date_two_digit_year: 'error',
  date_impossible: 'error',
  birth_date_implausible: 'warning',
  birth_date_missing: 'missing',
  occupation_reformatted: 'correction',
  industry_reformatted: 'correction',
  income_undated: 'warning',
  identifier_form: 'error',
  identifier_check_digit: 'error',
  identifier_date: 'error',
  identifier_region: 'warning',
  identifier_birth_date_differs: 'warning',
  identifier_sex_differs: 'warning',
  identifier_reformatted: 'correction',
  identifier_missing: 'missing',
} as const satisfies Record<string, Severity>;

/** The code of an issue. */
export type IssueCode = keyof typeof severityOf;

/** Something about a field. */
export interface Issue {
  /** The path of the field, for example `contact_points[0].phone`. */
  field: string;
  code: IssueCode;
  severity: Severity;
}

/** A value after cleaning. */
export interface Cleaned<T = string> {
  /** The value in its proper form; as it came, but for unprintable characters, where it has none. */
  value: T;
  /** Equal for values that mean the same: for comparing and finding, never for showing. Empty when there is nothing. */
  key: string;
  issues: Issue[];
}

/** An issue of a field. */
export function issue(field: string, code: IssueCode): Issue {
  return { field, code, severity: severityOf[code] };
}
