import { type Sql, sql } from '@rapport/kit/db';
import { type MatchRun, MatchRunState, type MatchStage } from '@rapport/proto/customer/v1';

/** A run as it is stored, in the names of the Prisma model. */
export interface RunRow {
  runId: string;
  organisationPath: string;
  state: MatchRunState;
  stage: MatchStage;
  done: bigint;
  total: bigint;
  records: bigint;
  comparedPairs: bigint;
  autoPairs: bigint;
  reviewPairs: bigint;
  skippedBlocks: bigint;
  modelVersion: number | null;
  createTime: Date;
  completeTime: Date | null;
}

/** The columns of a `RunRow`, of the table under its own name. */
export const runColumns: Sql = sql.raw(`run_id AS "runId", organisation_path AS "organisationPath", state, stage, done,
  total, records, compared_pairs AS "comparedPairs", auto_pairs AS "autoPairs", review_pairs AS "reviewPairs",
  skipped_blocks AS "skippedBlocks", model_version AS "modelVersion", create_time AS "createTime",
  complete_time AS "completeTime"`);

/** `matchRuns/{uuid}`. */
export function runName(id: string): string {
  return `matchRuns/${id}`;
}

/** The message of a row. */
export function runMessage({ runId, modelVersion, completeTime, stage, done, total, ...row }: RunRow): MatchRun {
  return {
    name: runName(runId),
    ...row,
    progress: row.state === MatchRunState.MATCH_RUN_STATE_RUNNING ? { stage, done, total } : undefined,
    model: modelVersion === null ? '' : `matchModels/${modelVersion}`,
    completeTime: completeTime ?? undefined,
  };
}
