import { AnalyticsError } from '@rapport/kit/analytics';
import { logger } from '@rapport/kit/runtime';
import { versionName } from '../segment/segment.js';

/** How old the bitmaps of a pass may be to be compared with, and how long it is known who was looked at live since. */
export const KNOWN_HOURS = 48;

/** Errors that have nothing to do with the rules of a statement. */
const outer = new Set(['CONNECTION', 'CANCELLED', 'CLOSED']);

/**
 * Runs rules together; when the engine refuses, in halves, so that one that is at fault stops no other: that one is told
 * in the log and left out. `run` may be called again with rules that it has met before. Gives those that could be run.
 */
export async function eachSound<T extends { row: { segment_id: string; version: number } }>(
  rules: readonly T[],
  run: (rules: readonly T[]) => Promise<void>,
): Promise<T[]> {
  if (rules.length === 0) return [];
  try {
    await run(rules);
    return [...rules];
  } catch (error) {
    if (!(error instanceof AnalyticsError) || outer.has(error.type)) throw error;
    const [only] = rules;
    if (only && rules.length === 1) {
      const segment = versionName(only.row.segment_id, only.row.version);
      logger.error({ err: error, segment }, 'a rule cannot be evaluated: the members stay as they are');
      return [];
    }
    const half = Math.ceil(rules.length / 2);
    const first = await eachSound(rules.slice(0, half), run);
    return [...first, ...(await eachSound(rules.slice(half), run))];
  }
}
