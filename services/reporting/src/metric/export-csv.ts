import { audit } from '@rapport/kit/crypto';
import { publish } from '@rapport/kit/events';
import { type Call, callerName } from '@rapport/kit/rpc';
import { uuidv7 } from '@rapport/kit/runtime';
import { type ExportCsvRequest, type ExportCsvResponse, ReportExported } from '@rapport/proto/reporting/v1';
import { stringify } from 'csv-stringify/sync';
import type { Deps } from '../deps.js';
import { type Figures, resolve } from './metric.js';
import { type FigureRow, statementOf } from './statement.js';

/** Lines of one message: well below its limit at the widest, twenty metrics by eight dimensions. */
const PIECE = 1000;

/**
 * Sends figures as CSV while they are read. That somebody takes them is on record before the first byte leaves; that all
 * was sent, and how much, in a second record together with the event.
 */
export async function* exportCsv(
  deps: Deps,
  request: ExportCsvRequest,
  call: Call,
): AsyncGenerator<ExportCsvResponse, void, undefined> {
  const figures = resolve(request);
  const { text, parameters } = statementOf(figures, call.scope, request.organisationPath);
  const exportId = uuidv7();
  await audit(deps.db, call, {
    resource: request.metrics,
    change: { export: exportId, state: 'begun' },
    fields: request.dimensions,
  });
  yield { chunk: csv([headerOf(figures)]) };
  let count = 0;
  for await (const rows of deps.analytics.stream<FigureRow>(text, parameters, { signal: call.signal })) {
    // the embedded engine gives all rows at once, which is more than a message may hold
    for (let start = 0; start < rows.length; start += PIECE) {
      const piece = rows.slice(start, start + PIECE);
      count += piece.length;
      yield { chunk: csv(piece.map((row) => cellsOf(row, figures))) };
    }
  }
  await deps.db.transaction(call.scope, async (tx) => {
    await audit(tx, call, {
      resource: request.metrics,
      change: { export: exportId, state: 'sent', rows: count },
      fields: request.dimensions,
    });
    const message: ReportExported = {
      exportId,
      actor: callerName(call),
      metrics: request.metrics,
      dimensions: request.dimensions,
      rowCount: BigInt(count),
      organisationPath: request.organisationPath || call.principal.orgPath,
      exportTime: deps.clock.now(),
    };
    await publish(tx, ReportExported, message, { aggregate: exportId });
  });
}

function headerOf({ dimensions, grain, metrics }: Figures): string[] {
  return [...dimensions, ...(grain ? ['period_start'] : []), ...metrics.map(({ id }) => id)];
}

function cellsOf(row: FigureRow, { dimensions, grain, metrics }: Figures): string[] {
  return [
    ...dimensions.map((_, index) => row[`d${index}`] ?? ''),
    ...(grain ? [row.period ?? ''] : []),
    ...metrics.map((_, index) => row[`v${index}`] ?? ''),
  ];
}

/** RFC 4180. A cell that a spreadsheet would take for a formula is led by an apostrophe; a lone CR is quoted, too. */
function csv(lines: string[][]): Buffer {
  return Buffer.from(stringify(lines, { record_delimiter: 'windows', escape_formulas: true, quoted_match: /\r/ }));
}
