import { publish } from '@rapport/kit/events';
import { type Call, idempotent, scopeFor } from '@rapport/kit/rpc';
import { type AnswerSurveyRequest, AnswerSurveyResponse, SurveyAnswered, SurveyState } from '@rapport/proto/cases/v1';
import { addressOf, caseFacts, caseMessage, lockCase, momentOf, record, saveCase, surveyChange } from '../case/case.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';

/** Stores the party's answer, once and for all. */
export async function answerSurvey(
  deps: Deps,
  request: AnswerSurveyRequest,
  call: Call,
): Promise<AnswerSurveyResponse> {
  const { score, comment } = request;
  return idempotent(deps.db.plain, call, request, AnswerSurveyResponse, async (tx) => {
    const row = await lockCase(tx, call.scope, { name: request.name });
    const now = deps.clock.now();
    const at = momentOf(row, request.occurTime, now);
    if (row.surveyState === SurveyState.SURVEY_STATE_UNSPECIFIED) throw fail('SURVEY_NOT_REQUESTED');
    if (row.surveyState === SurveyState.SURVEY_STATE_ANSWERED) throw fail('SURVEY_ANSWERED');
    const surveyState = SurveyState.SURVEY_STATE_ANSWERED;
    const saved = await saveCase(
      tx,
      {
        ...row,
        surveyState,
        surveyScore: score,
        surveyComment: comment,
        surveyAnswerTime: at,
        lastChangeTime: at,
      },
      now,
    );
    await record(tx, call, saved, { at, now }, surveyChange(saved), { survey: 'answered' });
    await publish(tx, SurveyAnswered, { ...caseFacts(saved), score, answerTime: at }, addressOf(saved));
    return { case: caseMessage(saved, scopeFor(call, 'C2'), now) };
  });
}
