import { scopeFilter, sql } from '@rapport/kit/db';
import type { Call } from '@rapport/kit/rpc';
import type {
  QualityCount,
  ReportQualityRequest,
  ReportQualityResponse,
  SourceQuality,
} from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { severityNumber } from './cleaning.js';
import { type IssueCode, severityOf } from './issue.js';

interface Row {
  source: string;
  code: IssueCode | '';
  parties: string;
  score: string;
}

/** Reports by source what fails most in the part of the organisation that the caller may see. */
export async function reportQuality(
  deps: Deps,
  request: ReportQualityRequest,
  call: Call,
): Promise<ReportQualityResponse> {
  const wanted = [scopeFilter(call.scope, { path: 'organisation_path' })];
  if (request.organisationPath !== '') {
    wanted.push(scopeFilter({ kind: 'rows', subtree: request.organisationPath }, { path: 'organisation_path' }));
  }
  if (request.source !== '') wanted.push(sql`source = ${request.source}`);
  const rows = await deps.db.scoped(call.scope).rows<Row>(sql`
    SELECT source, code, sum(parties)::text AS parties, sum(score)::text AS score FROM quality_count
    WHERE ${sql.join(wanted, ' AND ')}
    GROUP BY source, code HAVING sum(parties) > 0`);
  await deps.reads.record(call, 'parties:reportQuality');
  const totals = rows.filter(({ code }) => code === '');
  const sources = totals.map((total): SourceQuality => {
    const parties = BigInt(total.parties);
    const counts = rows
      .filter(({ source, code }) => source === total.source && code !== '')
      .map((row) => counted(row, parties));
    return {
      source: total.source,
      parties,
      averageScore: Number(total.score) / Number(parties),
      counts: counts.toSorted((a, b) => Number(b.parties - a.parties) || (a.code < b.code ? -1 : 1)),
    };
  });
  return {
    sources: sources.toSorted((a, b) => a.averageScore - b.averageScore || (a.source < b.source ? -1 : 1)),
  };
}

function counted({ code, parties }: Row, all: bigint): QualityCount {
  const severity = severityNumber(severityOf[code as IssueCode]);
  return { code, severity, parties: BigInt(parties), share: Number(parties) / Number(all) };
}
