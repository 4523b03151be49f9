import { type Call, decodePage, encodePage, pageSize } from '@rapport/kit/rpc';
import type { ListMetricsRequest, ListMetricsResponse } from '@rapport/proto/reporting/v1';
import { metricIds, metricMessage } from './metric.js';

/** Lists the catalogue. */
export async function listMetrics(request: ListMetricsRequest, call: Call): Promise<ListMetricsResponse> {
  const size = pageSize(request);
  const after = decodePage(call, request, 'string')?.[0];
  const ids = metricIds.filter((id) => after === undefined || id > after);
  const last = ids.at(size - 1);
  return {
    metrics: ids.slice(0, size).map(metricMessage),
    nextPageToken: last && ids.length > size ? encodePage(call, request, [last]) : '',
  };
}
