import { type Nats, on, operations, startBatchConsumer, startConsumer, startEraser } from '@rapport/kit/events';
import { type Route, route } from '@rapport/kit/rpc';
import type { Running } from '@rapport/kit/runtime';
import { PartyErasureRequested } from '@rapport/proto/customer/v1';
import {
  InsightServiceService,
  SchemeServiceService,
  SegmentationServiceService,
  StaticListServiceService,
} from '@rapport/proto/segmentation/v1';
import { campaignEvents } from './campaign/campaign.js';
import { listAttributes } from './catalogue/list-attributes.js';
import type { Deps } from './deps.js';
import { applyCustomerEvents } from './fact/apply-customer-events.js';
import { explainMembership } from './explanation/explain-membership.js';
import { factEvents } from './fact/fact.js';
import { getSegmentProgress } from './fact/get-segment-progress.js';
import { compareOverlap } from './insight/compare-overlap.js';
import { countRuleParts } from './insight/count-rule-parts.js';
import { describeRule } from './insight/describe-rule.js';
import { changeEvents, keepChanges } from './history/follow-own-events.js';
import { getSegmentFlows } from './history/get-segment-flows.js';
import { getSegmentHistory } from './history/get-segment-history.js';
import { addListEntries } from './list/add-list-entries.js';
import { createStaticList } from './list/create-static-list.js';
import { getStaticList } from './list/get-static-list.js';
import { listListEntries } from './list/list-list-entries.js';
import { listStaticLists } from './list/list-static-lists.js';
import { removeListEntries } from './list/remove-list-entries.js';
import { addListUploadRows } from './list/add-list-upload-rows.js';
import { applyListUpload } from './list/apply-list-upload.js';
import { approveListUpload } from './list/approve-list-upload.js';
import { cancelListUpload } from './list/cancel-list-upload.js';
import { checkListUpload } from './list/check-list-upload.js';
import { createListUpload } from './list/create-list-upload.js';
import { exportListUploadRejects } from './list/export-list-upload-rejects.js';
import { getListUpload } from './list/get-list-upload.js';
import { listListUploadRejects } from './list/list-list-upload-rejects.js';
import { listListUploads } from './list/list-list-uploads.js';
import { rejectListUpload } from './list/reject-list-upload.js';
import { retireStaticList } from './list/retire-static-list.js';
import { followLists } from './list/send.js';
import { batchGetMemberships } from './membership/batch-get-memberships.js';
import { type Changes, followChanges } from './membership/follow-changes.js';
import { followCalendar } from './membership/follow-calendar.js';
import { getMemberships } from './membership/get-memberships.js';
import { listMembers } from './membership/list-members.js';
import { approveScheme } from './scheme/approve-scheme.js';
import { assignScheme } from './scheme/assign-scheme.js';
import { checkScheme } from './scheme/check-scheme.js';
import { createScheme } from './scheme/create-scheme.js';
import { createSchemeVersion } from './scheme/create-scheme-version.js';
import { fitScheme } from './scheme/fit-scheme.js';
import { getScheme } from './scheme/get-scheme.js';
import { getSchemeRun } from './scheme/get-scheme-run.js';
import { listPartyGroups } from './scheme/list-party-groups.js';
import { listSchemeRuns } from './scheme/list-scheme-runs.js';
import { listSchemeVersions } from './scheme/list-scheme-versions.js';
import { listSchemes } from './scheme/list-schemes.js';
import { previewScheme } from './scheme/preview-scheme.js';
import { publishScheme } from './scheme/publish-scheme.js';
import { rejectScheme } from './scheme/reject-scheme.js';
import { retireScheme } from './scheme/retire-scheme.js';
import { runSchemes } from './scheme/run-schemes.js';
import { approveSegmentVersion } from './segment/approve-segment-version.js';
import { compareSegmentVersions } from './segment/compare-segment-versions.js';
import { checkRule } from './segment/check-rule.js';
import { createSegment } from './segment/create-segment.js';
import { createSegmentVersion } from './segment/create-segment-version.js';
import { evaluateSegment } from './segment/evaluate-segment.js';
import { getSegment } from './segment/get-segment.js';
import { listSegmentVersions } from './segment/list-segment-versions.js';
import { listSegments } from './segment/list-segments.js';
import { previewChanges } from './segment/preview-changes.js';
import { previewSegment } from './segment/preview-segment.js';
import { publishSegment } from './segment/publish-segment.js';
import { rejectSegmentVersion } from './segment/reject-segment-version.js';
import { reserveSegmentVersion } from './segment/reserve-segment-version.js';
import { retireSegmentVersion } from './segment/retire-segment-version.js';
import { listSegmentTemplates } from './template/list-segment-templates.js';
import { renderSegmentTemplate } from './template/render-segment-template.js';

import { erasing, onPartyErasureRequested } from './privacy/erase-party.js';
import { personalData } from './privacy/personal-data.js';

/** One line per RPC. */
export function routes(deps: Deps): Route[] {
  return [
    route(SegmentationServiceService, {
      listAttributes: (request, call) => listAttributes(deps, request, call),
      checkRule: (request) => checkRule(deps, request),
      previewSegment: (request, call) => previewSegment(deps, request, call),
      createSegment: (request, call) => createSegment(deps, request, call),
      createSegmentVersion: (request, call) => createSegmentVersion(deps, request, call),
      approveSegmentVersion: (request, call) => approveSegmentVersion(deps, request, call),
      rejectSegmentVersion: (request, call) => rejectSegmentVersion(deps, request, call),
      publishSegment: (request, call) => publishSegment(deps, request, call),
      reserveSegmentVersion: (request, call) => reserveSegmentVersion(deps, request, call),
      retireSegmentVersion: (request, call) => retireSegmentVersion(deps, request, call),
      compareSegmentVersions: (request, call) => compareSegmentVersions(deps, request, call),
      previewChanges: (request, call) => previewChanges(deps, request, call),
      listSegmentTemplates: (request, call) => listSegmentTemplates(deps, request, call),
      renderSegmentTemplate: (request, call) => renderSegmentTemplate(deps, request, call),
      getSegmentHistory: (request, call) => getSegmentHistory(deps, request, call),
      getSegmentFlows: (request, call) => getSegmentFlows(deps, request, call),
      explainMembership: (request, call) => explainMembership(deps, request, call),
      listSegmentVersions: (request, call) => listSegmentVersions(deps, request, call),
      getSegment: (request, call) => getSegment(deps, request, call),
      listSegments: (request, call) => listSegments(deps, request, call),
      listMembers: (request, call) => listMembers(deps, request, call),
      getMemberships: (request, call) => getMemberships(deps, request, call),
      batchGetMemberships: (request, call) => batchGetMemberships(deps, request, call),
      evaluateSegment: (request, call) => evaluateSegment(deps, request, call),
      getSegmentProgress: (request, call) => getSegmentProgress(deps, request, call),
    }),
    route(InsightServiceService, {
      describeRule: (request, call) => describeRule(deps, request, call),
      countRuleParts: (request, call) => countRuleParts(deps, request, call),
      compareOverlap: (request, call) => compareOverlap(deps, request, call),
    }),
    route(SchemeServiceService, {
      approveScheme: (request, call) => approveScheme(deps, request, call),
      assignScheme: (request, call) => assignScheme(deps, request, call),
      checkScheme: (request, call) => checkScheme(deps, request, call),
      createScheme: (request, call) => createScheme(deps, request, call),
      createSchemeVersion: (request, call) => createSchemeVersion(deps, request, call),
      fitScheme: (request, call) => fitScheme(deps, request, call),
      getScheme: (request, call) => getScheme(deps, request, call),
      getSchemeRun: (request, call) => getSchemeRun(deps, request, call),
      listPartyGroups: (request, call) => listPartyGroups(deps, request, call),
      listSchemeVersions: (request, call) => listSchemeVersions(deps, request, call),
      listSchemeRuns: (request, call) => listSchemeRuns(deps, request, call),
      listSchemes: (request, call) => listSchemes(deps, request, call),
      previewScheme: (request, call) => previewScheme(deps, request, call),
      publishScheme: (request, call) => publishScheme(deps, request, call),
      rejectScheme: (request, call) => rejectScheme(deps, request, call),
      retireScheme: (request, call) => retireScheme(deps, request, call),
    }),
    route(StaticListServiceService, {
      createStaticList: (request, call) => createStaticList(deps, request, call),
      getStaticList: (request, call) => getStaticList(deps, request, call),
      listStaticLists: (request, call) => listStaticLists(deps, request, call),
      addListEntries: (request, call) => addListEntries(deps, request, call),
      removeListEntries: (request, call) => removeListEntries(deps, request, call),
      listListEntries: (request, call) => listListEntries(deps, request, call),
      addListUploadRows: (request, call) => addListUploadRows(deps, request, call),
      applyListUpload: (request, call) => applyListUpload(deps, request, call),
      approveListUpload: (request, call) => approveListUpload(deps, request, call),
      cancelListUpload: (request, call) => cancelListUpload(deps, request, call),
      checkListUpload: (request, call) => checkListUpload(deps, request, call),
      createListUpload: (request, call) => createListUpload(deps, request, call),
      exportListUploadRejects: (request, call) => exportListUploadRejects(deps, request, call),
      getListUpload: (request, call) => getListUpload(deps, request, call),
      listListUploadRejects: (request, call) => listListUploadRejects(deps, request, call),
      listListUploads: (request, call) => listListUploads(deps, request, call),
      rejectListUpload: (request, call) => rejectListUpload(deps, request, call),
      retireStaticList: (request, call) => retireStaticList(deps, request, call),
    }),
    operations({
      service: 'segmentation',
      db: deps.db,
      verifyAudit: deps.verifyAudit,
      personalData: personalData(deps),
    }),
  ];
}

/** How much work is done side by side: the embedded engine has one writer, a cluster several. */
function parallel({ analytics }: Deps): { shards: number; workers: number } {
  return analytics.engine === 'embedded' ? { shards: 1, workers: 1 } : { shards: 8, workers: 4 };
}

/** What runs beside the calls: customer events become facts, changed parties are looked at again, days pass. */
export function follow(deps: Deps, nats: Nats, changes: Changes): Running[] {
  const { shards, workers } = parallel(deps);
  return [
    startBatchConsumer({
      db: deps.db,
      nats,
      name: 'segmentation-facts',
      events: factEvents,
      handle: applyCustomerEvents(deps, changes.changed),
      maxEvents: 2000,
      // An insert costs ClickHouse 5 to 6 ms of CPU, merging included, whether it has 5 rows or 50.
      maxWaitMs: 50,
      shards,
    }),
    startConsumer({
      db: deps.db,
      nats,
      name: 'segmentation-erasures',
      handlers: [on(PartyErasureRequested, onPartyErasureRequested)],
      shards: 1,
    }),
    startBatchConsumer({
      db: deps.db,
      nats,
      name: 'segmentation-history',
      events: changeEvents,
      handle: keepChanges(deps),
      // Nobody waits for it, and the embedded engine has one writer: few large inserts.
      maxEvents: 10_000,
      maxWaitMs: 1000,
      shards: 1,
    }),
    startConsumer({ db: deps.db, nats, name: 'segmentation-campaigns', handlers: campaignEvents, shards: 1 }),
    startEraser(erasing(deps)),
    followChanges(deps, changes, workers),
    followCalendar(deps),
    runSchemes(deps),
    followLists(deps, changes.changed),
  ];
}
