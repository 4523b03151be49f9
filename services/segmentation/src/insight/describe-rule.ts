import type { Parameter } from '@rapport/kit/analytics';
import { type Call, scopeFor } from '@rapport/kit/rpc';
import type { DescribeRuleRequest, DescribeRuleResponse } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { factFilter } from '../fact/fact.js';
import { anyMerged } from '../merge/merge.js';
import { compileValues } from '../rule/rule.js';
import { dateMessage, requestedDay, soundRuleInUse, today } from '../segment/segment.js';
import { cellSql, cellsOf, type Found, MOST_VALUES, readBreakdowns } from './breakdown.js';
import { hiddenCells, SMALLEST, tellsOfFew } from './small.js';

/**
 * Gives how the parties of a rule are spread over attributes, beside all parties in reach. One statement reads the facts
 * once and groups them by each attribute. Throws RULE_INVALID, DATE_INVALID, BOUNDS_INVALID.
 */
export async function describeRule(
  deps: Deps,
  request: DescribeRuleRequest,
  call: Call,
): Promise<DescribeRuleResponse> {
  const described = readBreakdowns(request.breakdowns);
  const { rule, segments } = await soundRuleInUse(deps.db.system, request.rule);
  const asOf = requestedDay(request.asOf) ?? today(deps);
  const merged = await anyMerged(deps.db.system);
  const where = factFilter(call.scope, request.organisationPath, { manager: true });
  const compiled = compileValues([{ rule, asOf }], { values: described.map(({ value }) => value), asOf }, deps.zone, {
    where,
    merged,
    segments,
  });
  const parameters: Record<string, Parameter> = { ...compiled.parameters };
  const cells = described.map((one, index) => {
    const cell = cellSql(one, compiled.values[index]?.sql ?? 'NULL', `band${index}`);
    Object.assign(parameters, cell.parameters);
    return `${cell.text} AS cell${index}`;
  });
  // One row for all, and for each attribute one per value; `part` says of which attribute, -1 for all.
  const names = described.map((_, index) => `cell${index}`);
  const part = names.map((name, index) => `grouping(${name}) = 0, ${index}`);
  const value = names.map((name) => `grouping(${name}) = 0, ${name}`);
  const started = performance.now();
  const rows = await deps.analytics.query<Found & { part: number }>(
    `SELECT multiIf(${part.join(', ')}, -1) AS part, multiIf(${value.join(', ')}, '') AS value,
      count() AS population, countIf(taken) AS count
    FROM (SELECT ${compiled.conditions[0]} AS taken, ${cells.join(', ')} FROM ${compiled.from})
    GROUP BY GROUPING SETS ((), ${names.map((name) => `(${name})`).join(', ')})
    ORDER BY part, value = '' DESC, population DESC, value LIMIT ${MOST_VALUES * 2} BY part`,
    parameters,
    { signal: call.signal },
  );
  const sqlMs = performance.now() - started;
  const all = rows.find((row) => row.part === -1) ?? { count: 0, population: 0 };
  const total = { count: Number(all.count), population: Number(all.population) };
  const shown = scopeFor(call, 'C2').kind !== 'nothing';
  const countHidden = !shown && tellsOfFew(total);
  await deps.reads.record(call, 'segments:describe');
  return {
    count: countHidden ? 0n : BigInt(total.count),
    countHidden,
    population: BigInt(total.population),
    distributions: described.map((one, index) => {
      const found = rows
        .filter((row) => row.part === index)
        .map((row) => ({ value: row.value, count: Number(row.count), population: Number(row.population) }));
      const numbers = cellsOf(one, found, total);
      const hidden = shown ? [] : countHidden ? numbers.map(() => true) : hiddenCells(numbers);
      return {
        attribute: one.attribute,
        description: one.description,
        type: one.type,
        cells: numbers.map((cell, at) => ({
          ...cell,
          count: hidden[at] ? 0n : BigInt(cell.count),
          population: hidden[at] ? 0n : BigInt(cell.population),
          hidden: hidden[at] ?? false,
        })),
      };
    }),
    smallestCount: shown ? 0 : SMALLEST,
    asOf: dateMessage(asOf),
    sqlMs,
  };
}
