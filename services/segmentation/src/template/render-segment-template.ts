import type { Call } from '@rapport/kit/rpc';
import type { RenderSegmentTemplateRequest, RenderSegmentTemplateResponse } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { factFilter } from '../fact/fact.js';
import { type Parameter, planOf, templates } from './template.js';

/** Groups that a list of texts can make: a partition has at most 30, and one is for all others. */
const TEXTS = 29;

/** The most frequent texts of a column, among the parties that the caller may see. */
async function usual({ analytics }: Deps, call: Call, column: NonNullable<Parameter['from']>): Promise<string[]> {
  const { text, parameters } = factFilter(call.scope, '', { manager: true });
  const rows = await analytics.query<{ value: string }>(
    `SELECT toString(${column}) AS value FROM party FINAL WHERE ${column} != '' AND ${text}
      GROUP BY value ORDER BY count() DESC, value LIMIT {most:UInt32}`,
    { ...parameters, most: TEXTS },
    { signal: call.signal },
  );
  return rows.map(({ value }) => value);
}

/**
 * Gives the plan of a scheme that a template makes. Whether it is sound with these values, SchemeService says when it is
 * created. Throws TEMPLATE_NOT_FOUND, PARAMETER_INVALID.
 */
export async function renderSegmentTemplate(
  deps: Deps,
  request: RenderSegmentTemplateRequest,
  call: Call,
): Promise<RenderSegmentTemplateResponse> {
  const template = templates.find(({ id }) => request.name === `segmentTemplates/${id}`);
  if (!template) throw fail('TEMPLATE_NOT_FOUND', { metadata: { template: request.name } });
  const invalid = (key: string, description: string): Error =>
    fail('PARAMETER_INVALID', { violations: [{ field: `parameters[${key}]`, description }] });
  const values = new Map<string, readonly string[]>();
  for (const set of request.parameters) {
    const known = template.parameters.find(({ key }) => key === set.key);
    if (!known) {
      const keys = template.parameters.map(({ key }) => key).join(', ');
      throw invalid(set.key, `is none of this template; it has ${keys}`);
    }
    if (values.has(set.key)) throw invalid(set.key, 'is set twice');
    const number = set.values.length === 1 && /^-?\d{1,15}(\.\d{1,6})?$/.test(set.values[0] ?? '');
    if (known.type === 'number' && !number) throw invalid(set.key, 'must be one number, such as 50000 or 0.5');
    values.set(set.key, set.values);
  }
  for (const { key, defaults, from } of template.parameters) {
    if (values.has(key)) continue;
    const found = from ? await usual(deps, call, from) : defaults;
    if (found.length === 0) throw invalid(key, 'must be set: the bank has no customers to take it from yet');
    values.set(key, found);
  }
  await deps.reads.record(call, request.name);
  return { plan: planOf(template, values) };
}
