import { type Call, idempotent, scopeFor } from '@rapport/kit/rpc';
import { type RequestSurveyRequest, RequestSurveyResponse, SurveyState } from '@rapport/proto/cases/v1';
import { caseMessage, isOpen, lockCase, momentOf, record, saveCase, surveyChange } from '../case/case.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';

/** Notes that the party was asked how its resolved or closed case was handled. */
export async function requestSurvey(
  deps: Deps,
  request: RequestSurveyRequest,
  call: Call,
): Promise<RequestSurveyResponse> {
  return idempotent(deps.db.plain, call, request, RequestSurveyResponse, async (tx) => {
    const row = await lockCase(tx, call.scope, { name: request.name });
    const now = deps.clock.now();
    const at = momentOf(row, request.occurTime, now);
    if (row.surveyState !== SurveyState.SURVEY_STATE_UNSPECIFIED) throw fail('SURVEY_EXISTS');
    if (isOpen(row)) throw fail('CASE_NOT_RESOLVED');
    const surveyState = SurveyState.SURVEY_STATE_REQUESTED;
    const saved = await saveCase(tx, { ...row, surveyState, surveyRequestTime: at, lastChangeTime: at }, now);
    await record(tx, call, saved, { at, now }, surveyChange(saved), { survey: 'requested' });
    return { case: caseMessage(saved, scopeFor(call, 'C2'), now) };
  });
}
