import type { Analytics, Parameter } from '@rapport/kit/analytics';
import type { Scope } from '@rapport/kit/db';

/** The words about a fact that figures can be split and filtered by: columns of the table `fact`. */
export const factDimensions = [
  'organisation_path',
  'party_kind',
  'region',
  'district',
  'branch',
  'source',
  'holding_kind',
  'direction',
  'operation',
  'channel',
  'purpose',
  'consent_state',
  'segment',
  'campaign',
  'decision',
  'reason',
  'product',
  'unit',
  'case_type',
  'complaint',
  'priority',
  'step',
  'in_time',
  'plan',
  'currency',
] as const;
export type FactDimension = (typeof factDimensions)[number];

/** Every kind of fact that is stored, by name. */
export const factKinds = [
  'campaign_completions',
  'campaign_launches',
  'campaign_pauses',
  'campaign_resumptions',
  'case_assignments',
  'cases_closed',
  'cases_opened',
  'cases_reopened',
  'cases_resolved',
  'complaint_steps',
  'consents',
  'holding_updates',
  'holdings',
  'holds',
  'interactions',
  'merges',
  'parties',
  'party_updates',
  'referrals',
  'referrals_accepted',
  'referrals_lost',
  'referrals_won',
  'scores',
  'segment_entries',
  'segment_exits',
  'sends',
  'staff_changes',
  'suppressions',
  'surveys',
  'transactions',
  'unit_changes',
  'unmerges',
] as const;
export type FactKind = (typeof factKinds)[number];

/** One row of the table `fact`; what is left out is empty. */
export interface FactRow extends Partial<Record<FactDimension, string>> {
  fact: FactKind;
  /** The UUID of the event. */
  event_id: string;
  /** YYYY-MM-DD in the bank's calendar, 1900 to 2299. */
  occurred_date: string;
  recorded_time: Date;
  amount_minor?: bigint;
  score?: number;
  seconds?: number;
}

/** A condition of a statement with what it binds. */
export interface Condition {
  text: string;
  parameters: Record<string, Parameter>;
}

/** Read each event once, also before the engine has merged its repeats. */
export const readSettings =
  'SETTINGS max_threads = 2, do_not_merge_across_partitions_select_final = 1, enable_extended_results_for_datetime_functions = 1';

/** Writes the rows. Writing the same rows again changes nothing that is read. */
export async function storeFacts(analytics: Analytics, rows: readonly FactRow[]): Promise<void> {
  await analytics.insert('fact', rows);
}

/**
 * The row security of facts: keeps the rows that the scope allows and, if given, those under a path. Every statement
 * over facts takes its condition from here. A relation that facts know nothing of (own, household, team) adds no rows.
 */
export function visible(scope: Scope, under = ''): Condition {
  const parameters: Record<string, Parameter> = {};
  const below = (name: string, path: string): string => {
    if (path === '/') return '1';
    parameters[name] = path;
    parameters[`${name}_below`] = `${path}/`;
    return `(organisation_path = {${name}:String} OR startsWith(organisation_path, {${name}_below:String}))`;
  };
  const asked = under === '' ? '1' : below('asked', under);
  if (scope.kind === 'everything') return { text: asked, parameters };
  if (scope.kind === 'nothing') return { text: '0', parameters: {} };
  const allowed: string[] = [];
  if (scope.subtree) allowed.push(below('subtree', scope.subtree));
  if (scope.branch) {
    parameters['branch'] = scope.branch;
    allowed.push('organisation_path = {branch:String}');
  }
  return { text: `${asked} AND (${allowed.length > 0 ? allowed.join(' OR ') : '0'})`, parameters };
}

/** The moment of a `toUnixTimestamp64Milli(max(recorded_time))`; nothing when there is no fact. */
export function newestOf(rows: readonly { newest: number }[]): Date | undefined {
  const newest = rows.reduce((latest, row) => Math.max(latest, Number(row.newest)), 0);
  return newest > 0 ? new Date(newest) : undefined;
}
