import { type Nats, on, operations, startBatchConsumer, startConsumer, startEraser } from '@rapport/kit/events';
import { type Route, route } from '@rapport/kit/rpc';
import type { Running } from '@rapport/kit/runtime';
import { PartyErasureRequested } from '@rapport/proto/customer/v1';
import { ReportingServiceService } from '@rapport/proto/reporting/v1';
import { createDashboard } from './dashboard/create-dashboard.js';
import { getDashboard } from './dashboard/get-dashboard.js';
import { listDashboards } from './dashboard/list-dashboards.js';
import type { Deps } from './deps.js';
import { getFactCounts } from './fact/get-fact-counts.js';
import { factEvents, recordFacts } from './fact/record-facts.js';
import { exportCsv } from './metric/export-csv.js';
import { listMetrics } from './metric/list-metrics.js';
import { queryMetric } from './metric/query-metric.js';

import { erasing, onPartyErasureRequested } from './privacy/erase-party.js';
import { personalData } from './privacy/personal-data.js';

/** The routing table: one line per RPC. */
export function routes(deps: Deps): Route[] {
  return [
    route(ReportingServiceService, {
      listMetrics: (request, call) => listMetrics(request, call),
      queryMetric: (request, call) => queryMetric(deps, request, call),
      exportCsv: (request, call) => exportCsv(deps, request, call),
      getFactCounts: (request, call) => getFactCounts(deps, request, call),
      getDashboard: (request, call) => getDashboard(deps, request, call),
      listDashboards: (request, call) => listDashboards(deps, request, call),
      createDashboard: (request, call) => createDashboard(deps, request, call),
    }),
    operations({
      service: 'reporting',
      db: deps.db,
      verifyAudit: deps.verifyAudit,
      personalData: personalData(),
    }),
  ];
}

/** Every event of every service becomes a fact, thousands in one insert when they come in bulk; and erasures. */
export function follow(deps: Deps, nats: Nats): Running[] {
  return [
    startBatchConsumer({
      db: deps.db,
      nats,
      name: 'reporting-facts',
      events: factEvents,
      handle: (events) => recordFacts(deps, events),
      maxEvents: 5000,
      maxWaitMs: 300,
    }),
    startConsumer({
      db: deps.db,
      nats,
      name: 'reporting-erasures',
      handlers: [on(PartyErasureRequested, onPartyErasureRequested)],
      shards: 1,
    }),
    startEraser(erasing(deps)),
  ];
}
