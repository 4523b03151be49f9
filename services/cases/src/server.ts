import { type EventHandler, on, operations } from '@rapport/kit/events';
import { type Route, route } from '@rapport/kit/rpc';
import { CasesServiceService } from '@rapport/proto/cases/v1';
import {
  PartyCreated,
  PartyErasureRequested,
  PartyMerged,
  PartyUnmerged,
  PartyUpdated,
} from '@rapport/proto/customer/v1';
import { createCalendar } from './calendar/create-calendar.js';
import { getCalendar } from './calendar/get-calendar.js';
import { listCalendars } from './calendar/list-calendars.js';
import { addNote } from './case/add-note.js';
import { advanceComplaint } from './case/advance-complaint.js';
import { assignCase } from './case/assign-case.js';
import { closeCase } from './case/close-case.js';
import { getCase } from './case/get-case.js';
import { getCaseStatistics } from './case/get-case-statistics.js';
import { listCases } from './case/list-cases.js';
import { openCase } from './case/open-case.js';
import { pauseCase } from './case/pause-case.js';
import { reopenCase } from './case/reopen-case.js';
import { resolveCase } from './case/resolve-case.js';
import { resumeCase } from './case/resume-case.js';
import type { Deps } from './deps.js';
import { listCaseHistory } from './history/list-case-history.js';
import { onPartyMerged, onPartyUnmerged } from './merge/merge.js';
import { answerSurvey } from './survey/answer-survey.js';
import { requestSurvey } from './survey/request-survey.js';
import { createCaseType } from './type/create-case-type.js';
import { listCaseTypes } from './type/list-case-types.js';

import { onPartyErasureRequested } from './privacy/erase-party.js';
import { onPartyChanged } from './restriction/restriction.js';
import { personalData } from './privacy/personal-data.js';

/** The routing table: one line per RPC. */
export function routes(deps: Deps): Route[] {
  return [
    route(CasesServiceService, {
      openCase: (request, call) => openCase(deps, request, call),
      getCase: (request, call) => getCase(deps, request, call),
      listCases: (request, call) => listCases(deps, request, call),
      assignCase: (request, call) => assignCase(deps, request, call),
      addNote: (request, call) => addNote(deps, request, call),
      listCaseHistory: (request, call) => listCaseHistory(deps, request, call),
      advanceComplaint: (request, call) => advanceComplaint(deps, request, call),
      pauseCase: (request, call) => pauseCase(deps, request, call),
      resumeCase: (request, call) => resumeCase(deps, request, call),
      resolveCase: (request, call) => resolveCase(deps, request, call),
      closeCase: (request, call) => closeCase(deps, request, call),
      reopenCase: (request, call) => reopenCase(deps, request, call),
      requestSurvey: (request, call) => requestSurvey(deps, request, call),
      answerSurvey: (request, call) => answerSurvey(deps, request, call),
      getCaseStatistics: (request, call) => getCaseStatistics(deps, request, call),
      listCaseTypes: (request, call) => listCaseTypes(deps, request, call),
      createCaseType: (request, call) => createCaseType(deps, request, call),
      getCalendar: (request) => getCalendar(deps, request),
      listCalendars: (request, call) => listCalendars(deps, request, call),
      createCalendar: (request, call) => createCalendar(deps, request, call),
    }),
    operations({
      service: 'cases',
      db: deps.db,
      verifyAudit: deps.verifyAudit,
      personalData: personalData(deps),
    }),
  ];
}

/** The events this service hears: one line each. */
export const handlers: EventHandler[] = [
  on(PartyCreated, onPartyChanged),
  on(PartyUpdated, onPartyChanged),
  on(PartyMerged, onPartyMerged),
  on(PartyUnmerged, onPartyUnmerged),
];

/** Erasures, in a consumer of their own: they must not wait behind an event of the party that nobody could take. */
export const erasures: EventHandler[] = [on(PartyErasureRequested, onPartyErasureRequested)];
