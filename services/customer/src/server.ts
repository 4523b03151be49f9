import { observeErasures, on, startConsumer, type Nats, operations, startBatchConsumer } from '@rapport/kit/events';
import { type Route, route } from '@rapport/kit/rpc';
import type { Running } from '@rapport/kit/runtime';
import { CaseClosed, CaseOpened, CaseReopened, CaseResolved } from '@rapport/proto/cases/v1';
import {
  CustomerServiceService,
  GoldenServiceService,
  SourceServiceService,
  HoldingOpened,
  HoldingUpdated,
  HouseholdServiceService,
  MatchingServiceService,
  PartyCreated,
  PartyMerged,
  PartyUnmerged,
  PartyUpdated,
  PortraitServiceService,
  PrivacyServiceService,
  QualityServiceService,
  ReferenceServiceService,
  SpendingServiceService,
  TransactionBooked,
} from '@rapport/proto/customer/v1';
import { MessageSent, MessageSuppressed, PartyErased as MarketingPartyErased } from '@rapport/proto/marketing/v1';
import { PartyErased as SegmentationPartyErased, SegmentEntered, SegmentExited } from '@rapport/proto/segmentation/v1';
import { PartyErased as CasesPartyErased } from '@rapport/proto/cases/v1';
import { PartyErased as PerformancePartyErased } from '@rapport/proto/performance/v1';
import { PartyErased as ReportingPartyErased } from '@rapport/proto/reporting/v1';

import { getPartyQuality } from './cleaning/get-party-quality.js';
import { reportQuality } from './cleaning/report-quality.js';
import { assignParties } from './assignment/assign-parties.js';
import { listAssignments } from './assignment/list-assignments.js';
import { startClosingDays } from './behaviour/close-days.js';
import { listBaselines } from './behaviour/list-baselines.js';
import { listBehaviourChanges } from './behaviour/list-behaviour-changes.js';
import { recordBehaviour } from './behaviour/record-behaviour.js';
import { batchGetContactability } from './consent/batch-get-contactability.js';
import { listConsents } from './consent/list-consents.js';
import { startExpiry } from './consent/expire-consents.js';
import { setConsent } from './consent/set-consent.js';
import type { Deps } from './deps.js';
import { abandonGoal } from './goal/abandon-goal.js';
import { listGoals } from './goal/list-goals.js';
import { setGoal } from './goal/set-goal.js';
import { clearFieldChoice } from './golden/clear-field-choice.js';
import { getGoldenRecord } from './golden/get-golden-record.js';
import { listMerges } from './golden/list-merges.js';
import { listSurvivorshipRules } from './golden/list-survivorship-rules.js';
import { mergeParties } from './golden/merge-parties.js';
import { previewMerge } from './golden/preview-merge.js';
import { setFieldChoice } from './golden/set-field-choice.js';
import { setSurvivorshipRule } from './golden/set-survivorship-rule.js';
import { unmergeParties } from './golden/unmerge-parties.js';
import { createHolding } from './holding/create-holding.js';
import { startNumbering } from './holding/number-holdings.js';
import { getHolding } from './holding/get-holding.js';
import { listHoldings } from './holding/list-holdings.js';
import { addHouseholdMember } from './household/add-household-member.js';
import { createHousehold } from './household/create-household.js';
import { getHousehold } from './household/get-household.js';
import { listHouseholds } from './household/list-households.js';
import { removeHouseholdMember } from './household/remove-household-member.js';
import { suggestHouseholdMembers } from './household/suggest-household-members.js';
import { cancelImport } from './importing/cancel-import.js';
import { getImport } from './importing/get-import.js';
import { importRows } from './importing/import-rows.js';
import { listImportRejects } from './importing/list-import-rejects.js';
import { listImports } from './importing/list-imports.js';
import { decideMatch } from './matching/decide-match.js';
import { findMatchesOf } from './matching/find-matches-of.js';
import { getMatchCandidate } from './matching/get-match-candidate.js';
import { getMatchRun } from './matching/get-match-run.js';
import { listMatchCandidates } from './matching/list-match-candidates.js';
import { listMatchRuns } from './matching/list-match-runs.js';
import { matchFile } from './matching/match-file.js';
import { listLifeEvents } from './life-event/list-life-events.js';
import { recordLifeEvent } from './life-event/record-life-event.js';
import { retractLifeEvent } from './life-event/retract-life-event.js';
import { updateLifeEvent } from './life-event/update-life-event.js';
import { startMatchRun } from './matching/start-match-run.js';
import { batchGetParties } from './party/batch-get-parties.js';
import { createParty } from './party/create-party.js';
import { getParty } from './party/get-party.js';
import { listParties } from './party/list-parties.js';
import { searchParties } from './party/search-parties.js';
import { updateParty } from './party/update-party.js';
import { listAuditRecords } from './privacy/list-audit-records.js';
import { createDataSubjectRequest } from './privacy/create-data-subject-request.js';
import { getDataSubjectRequest } from './privacy/get-data-subject-request.js';
import { listDataSubjectRequests } from './privacy/list-data-subject-requests.js';
import { decideDataSubjectRequest } from './privacy/decide-data-subject-request.js';
import { extendDataSubjectRequest } from './privacy/extend-data-subject-request.js';
import { completeDataSubjectRequest } from './privacy/complete-data-subject-request.js';
import { exportDataSubjectRequest } from './privacy/export-data-subject-request.js';
import { liftRestriction } from './privacy/lift-restriction.js';
import { placeLegalHold } from './privacy/place-legal-hold.js';
import { releaseLegalHold } from './privacy/release-legal-hold.js';
import { listLegalHolds } from './privacy/list-legal-holds.js';
import { eraseAgain } from './privacy/erase-party.js';
import { getKeyRotation } from './privacy/get-key-rotation.js';
import { rotateKeys } from './privacy/rotate-keys.js';
import { onPartyErased } from './privacy/on-party-erased.js';
import { startRewrapping } from './privacy/rewrap-keys.js';
import { startPurging } from './privacy/purge-retained.js';
import { revealField } from './privacy/reveal-field.js';
import { getSpending } from './spending/get-spending.js';
import { getSpendingRules } from './spending/get-spending-rules.js';
import { recategoriseTransaction } from './spending/recategorise-transaction.js';
import { setSpendingRules } from './spending/set-spending-rules.js';
import { followEvents, PORTRAIT } from './portrait/follow-events.js';
import { listTagDefinitions } from './portrait/list-tag-definitions.js';
import { listTags } from './portrait/list-tags.js';
import { removeTag } from './portrait/remove-tag.js';
import { setTagDefinition } from './portrait/set-tag-definition.js';
import { setTags } from './portrait/set-tags.js';
import { startTendingTags } from './portrait/tend-tags.js';
import { getPreferences } from './preferences/get-preferences.js';
import { setPreferences } from './preferences/set-preferences.js';
import { batchResolveParties } from './reference/batch-resolve-parties.js';
import { createRelationship } from './relationship/create-relationship.js';
import { endRelationship } from './relationship/end-relationship.js';
import { listBeneficialOwners } from './relationship/list-beneficial-owners.js';
import { listRelationships } from './relationship/list-relationships.js';
import { createSource } from './source/create-source.js';
import { getSourceRecord } from './source/get-source-record.js';
import { liftErasedKey } from './source/lift-erased-key.js';
import { listSourceRecords } from './source/list-source-records.js';
import { listSources } from './source/list-sources.js';
import { updateSource } from './source/update-source.js';
import { bookTransaction } from './timeline/book-transaction.js';
import { followServices, TIMELINE } from './timeline/follow-services.js';
import { listTimeline } from './timeline/list-timeline.js';
import { recordInteraction } from './timeline/record-interaction.js';
import { getCustomerView } from './view/get-customer-view.js';

import { personalData } from './privacy/personal-data.js';

/** The routing table: one line per RPC. */
export function routes(deps: Deps): Route[] {
  return [
    route(CustomerServiceService, {
      createParty: (request, call) => createParty(deps, request, call),
      getParty: (request, call) => getParty(deps, request, call),
      batchGetParties: (request, call) => batchGetParties(deps, request, call),
      listParties: (request, call) => listParties(deps, request, call),
      searchParties: (request, call) => searchParties(deps, request, call),
      updateParty: (request, call) => updateParty(deps, request, call),
      createHolding: (request, call) => createHolding(deps, request, call),
      getHolding: (request, call) => getHolding(deps, request, call),
      listHoldings: (request, call) => listHoldings(deps, request, call),
      bookTransaction: (request, call) => bookTransaction(deps, request, call),
      listTimeline: (request, call) => listTimeline(deps, request, call),
      recordInteraction: (request, call) => recordInteraction(deps, request, call),
      setConsent: (request, call) => setConsent(deps, request, call),
      listConsents: (request, call) => listConsents(deps, request, call),
      batchGetContactability: (request, call) => batchGetContactability(deps, request, call),
      getCustomerView: (request, call) => getCustomerView(deps, request, call),
      import: (requests, call) => importRows(deps, requests, call),
      getImport: (request, call) => getImport(deps, request, call),
      listImports: (request, call) => listImports(deps, request, call),
      listImportRejects: (request, call) => listImportRejects(deps, request, call),
      cancelImport: (request, call) => cancelImport(deps, request, call),
    }),
    route(ReferenceServiceService, {
      batchResolveParties: (request, call) => batchResolveParties(deps, request, call),
    }),
    route(SpendingServiceService, {
      getSpendingRules: (request, call) => getSpendingRules(deps, request, call),
      setSpendingRules: (request, call) => setSpendingRules(deps, request, call),
      recategoriseTransaction: (request, call) => recategoriseTransaction(deps, request, call),
      getSpending: (request, call) => getSpending(deps, request, call),
    }),
    route(PrivacyServiceService, {
      revealField: (request, call) => revealField(deps, request, call),
      listAuditRecords: (request, call) => listAuditRecords(deps, request, call),
      createDataSubjectRequest: (request, call) => createDataSubjectRequest(deps, request, call),
      getDataSubjectRequest: (request, call) => getDataSubjectRequest(deps, request, call),
      listDataSubjectRequests: (request, call) => listDataSubjectRequests(deps, request, call),
      decideDataSubjectRequest: (request, call) => decideDataSubjectRequest(deps, request, call),
      extendDataSubjectRequest: (request, call) => extendDataSubjectRequest(deps, request, call),
      completeDataSubjectRequest: (request, call) => completeDataSubjectRequest(deps, request, call),
      exportDataSubjectRequest: (request, call) => exportDataSubjectRequest(deps, request, call),
      liftRestriction: (request, call) => liftRestriction(deps, request, call),
      placeLegalHold: (request, call) => placeLegalHold(deps, request, call),
      releaseLegalHold: (request, call) => releaseLegalHold(deps, request, call),
      listLegalHolds: (request, call) => listLegalHolds(deps, request, call),
      rotateKeys: (request, call) => rotateKeys(deps, request, call),
      getKeyRotation: (request, call) => getKeyRotation(deps, request, call),
    }),
    route(PortraitServiceService, {
      setTagDefinition: (request, call) => setTagDefinition(deps, request, call),
      listTagDefinitions: (request, call) => listTagDefinitions(deps, request, call),
      setTags: (request, call) => setTags(deps, request, call),
      removeTag: (request, call) => removeTag(deps, request, call),
      listTags: (request, call) => listTags(deps, request, call),
      recordBehaviour: (request, call) => recordBehaviour(deps, request, call),
      listBaselines: (request, call) => listBaselines(deps, request, call),
      listBehaviourChanges: (request, call) => listBehaviourChanges(deps, request, call),
      recordLifeEvent: (request, call) => recordLifeEvent(deps, request, call),
      updateLifeEvent: (request, call) => updateLifeEvent(deps, request, call),
      retractLifeEvent: (request, call) => retractLifeEvent(deps, request, call),
      listLifeEvents: (request, call) => listLifeEvents(deps, request, call),
      setGoal: (request, call) => setGoal(deps, request, call),
      abandonGoal: (request, call) => abandonGoal(deps, request, call),
      listGoals: (request, call) => listGoals(deps, request, call),
    }),
    route(QualityServiceService, {
      getPartyQuality: (request, call) => getPartyQuality(deps, request, call),
      reportQuality: (request, call) => reportQuality(deps, request, call),
    }),
    route(HouseholdServiceService, {
      createRelationship: (request, call) => createRelationship(deps, request, call),
      endRelationship: (request, call) => endRelationship(deps, request, call),
      listRelationships: (request, call) => listRelationships(deps, request, call),
      listBeneficialOwners: (request, call) => listBeneficialOwners(deps, request, call),
      createHousehold: (request, call) => createHousehold(deps, request, call),
      getHousehold: (request, call) => getHousehold(deps, request, call),
      listHouseholds: (request, call) => listHouseholds(deps, request, call),
      addHouseholdMember: (request, call) => addHouseholdMember(deps, request, call),
      removeHouseholdMember: (request, call) => removeHouseholdMember(deps, request, call),
      suggestHouseholdMembers: (request, call) => suggestHouseholdMembers(deps, request, call),
      listAssignments: (request, call) => listAssignments(deps, request, call),
      assignParties: (request, call) => assignParties(deps, request, call),
      getPreferences: (request, call) => getPreferences(deps, request, call),
      setPreferences: (request, call) => setPreferences(deps, request, call),
    }),
    route(MatchingServiceService, {
      matchFile: (requests, call) => matchFile(deps, requests, call),
      listMatchCandidates: (request, call) => listMatchCandidates(deps, request, call),
      getMatchCandidate: (request, call) => getMatchCandidate(deps, request, call),
      decideMatch: (request, call) => decideMatch(deps, request, call),
      findMatches: (request, call) => findMatchesOf(deps, request, call),
      startMatchRun: (request, call) => startMatchRun(deps, request, call),
      getMatchRun: (request, call) => getMatchRun(deps, request, call),
      listMatchRuns: (request, call) => listMatchRuns(deps, request, call),
    }),
    route(SourceServiceService, {
      createSource: (request, call) => createSource(deps, request, call),
      listSources: (request, call) => listSources(deps, request, call),
      updateSource: (request, call) => updateSource(deps, request, call),
      listSourceRecords: (request, call) => listSourceRecords(deps, request, call),
      getSourceRecord: (request, call) => getSourceRecord(deps, request, call),
      liftErasedKey: (request, call) => liftErasedKey(deps, request, call),
    }),
    route(GoldenServiceService, {
      getGoldenRecord: (request, call) => getGoldenRecord(deps, request, call),
      setFieldChoice: (request, call) => setFieldChoice(deps, request, call),
      clearFieldChoice: (request, call) => clearFieldChoice(deps, request, call),
      listSurvivorshipRules: (request, call) => listSurvivorshipRules(deps, request, call),
      setSurvivorshipRule: (request, call) => setSurvivorshipRule(deps, request, call),
      previewMerge: (request, call) => previewMerge(deps, request, call),
      mergeParties: (request, call) => mergeParties(deps, request, call),
      unmergeParties: (request, call) => unmergeParties(deps, request, call),
      listMerges: (request, call) => listMerges(deps, request, call),
    }),
    operations({
      service: 'customer',
      db: deps.db,
      verifyAudit: deps.verifyAudit,
      personalData: personalData(deps),
      eraseAgain: eraseAgain(deps),
    }),
  ];
}

/** The events that portraits follow. */
const portraitEvents = [
  PartyCreated,
  PartyUpdated,
  PartyMerged,
  PartyUnmerged,
  HoldingOpened,
  HoldingUpdated,
  TransactionBooked,
  SegmentEntered,
  SegmentExited,
] as const;

/** The events of other services that timelines follow. */
const serviceEvents = [MessageSent, MessageSuppressed, CaseOpened, CaseResolved, CaseClosed, CaseReopened] as const;

/** What this service does by itself: the events that it follows and its timers. */
export function follow(deps: Deps, nats: Nats): Running[] {
  const forgetGauge = observeErasures(deps.db);
  const batch = { db: deps.db, nats, maxEvents: 500, maxWaitMs: 200 };
  return [
    startBatchConsumer({ ...batch, name: PORTRAIT, events: portraitEvents, handle: followEvents(deps) }),
    startBatchConsumer({ ...batch, name: TIMELINE, events: serviceEvents, handle: followServices(deps) }),
    startTendingTags(deps),
    startClosingDays(deps),
    startConsumer({
      db: deps.db,
      nats,
      name: 'customer-erasures',
      handlers: [
        on(SegmentationPartyErased, onPartyErased('segmentation')),
        on(MarketingPartyErased, onPartyErased('marketing')),
        on(CasesPartyErased, onPartyErased('cases')),
        on(PerformancePartyErased, onPartyErased('performance')),
        on(ReportingPartyErased, onPartyErased('reporting')),
      ],
      shards: 1,
    }),
    startExpiry(deps),
    startPurging(deps),
    startRewrapping(deps),
    startNumbering(deps),
    { stop: async () => forgetGauge() },
  ];
}
