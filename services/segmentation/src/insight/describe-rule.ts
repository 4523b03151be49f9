import type { Parameter } from '@rapport/kit/analytics';
import { type Call, scopeFor } from '@rapport/kit/rpc';
import type { DescribeRuleRequest, DescribeRuleResponse } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { factFilter } from '../fact/fact.js';
import { rangesFor } from '../membership/membership.js';
import { anyMerged } from '../merge/merge.js';
import { compileValues } from '../rule/rule.js';
import { dateMessage, requestedDay, soundRuleInUse, today } from '../segment/segment.js';
import { cellSql, cellsOf, type Found, readBreakdowns } from './breakdown.js';
import { hiddenCells, SMALLEST, tellsOfFew } from './small.js';

/** Texts of an attribute that a range of parties tells apart; the rarer ones of one with more count as the rest. */
const MOST_TOLD = 10_000;

/**
 * Gives how the parties of a rule are spread over attributes, beside all parties in reach. The facts are read once and
 * grouped by each attribute. Throws RULE_INVALID, DATE_INVALID, BOUNDS_INVALID.
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
    ranged: true,
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
  const found = new Map<string, Found & { part: number }>();
  // Range by range, so that the largest bank takes no more memory than a small one: what is counted adds up.
  for (const range of await rangesFor(deps.analytics, compiled)) {
    const rows = await deps.analytics.query<Found & { part: number }>(
      `SELECT multiIf(${part.join(', ')}, -1) AS part, multiIf(${value.join(', ')}, '') AS value,
        count() AS population, countIf(taken) AS count
      FROM (SELECT ${compiled.conditions[0]} AS taken, ${cells.join(', ')} FROM ${compiled.from})
      GROUP BY GROUPING SETS ((), ${names.map((name) => `(${name})`).join(', ')})
      ORDER BY part, value = '' DESC, population DESC, value LIMIT ${MOST_TOLD} BY part`,
      { ...parameters, ...range },
      { signal: call.signal },
    );
    for (const row of rows) {
      const key = `${row.part} ${row.value}`;
      const known = found.get(key) ?? { part: row.part, value: row.value, count: 0, population: 0 };
      known.count += Number(row.count);
      known.population += Number(row.population);
      found.set(key, known);
    }
  }
  const rows = [...found.values()].sort((a, b) => b.population - a.population || (a.value < b.value ? -1 : 1));
  const sqlMs = performance.now() - started;
  const all = rows.find((row) => row.part === -1) ?? { count: 0, population: 0 };
  const total = { count: all.count, population: all.population };
  const shown = scopeFor(call, 'C2').kind !== 'nothing';
  const countHidden = !shown && tellsOfFew(total);
  await deps.reads.record(call, 'segments:describe');
  return {
    count: countHidden ? 0n : BigInt(total.count),
    countHidden,
    population: BigInt(total.population),
    distributions: described.map((one, index) => {
      const ofThis = rows.filter((row) => row.part === index);
      const numbers = cellsOf(one, ofThis, total);
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
