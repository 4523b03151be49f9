// What tests of schemes share.
import { uuidv7 } from '@rapport/kit/runtime';
import { type SchemePlan, type SchemeRun, SchemeRunState } from '@rapport/proto/segmentation/v1';
import type { Suite } from '../segmentation.testkit.js';

/** What a call failed with; it must fail. */
export async function rejection(answer: Promise<unknown>): Promise<Record<string, unknown>> {
  return answer.then(
    () => {
      throw new Error('the call was answered');
    },
    (error: unknown) => error as Record<string, unknown>,
  );
}

/** A group that is called as its id. */
export const title = (groupId: string) => ({ groupId, title: groupId, titleZh: '' });

/** Asks for a scheme in /demo. */
export const create = (schemeId: string, plan: SchemePlan) => ({
  schemeId,
  title: schemeId,
  organisationPath: '/demo',
  plan,
  requestId: uuidv7(),
});

/** Waits for the end of a run. */
export async function ended(suite: Suite, name: string | undefined): Promise<SchemeRun> {
  const client = suite.schemes(['analyst']);
  for (let tries = 0; tries < 300; tries += 1) {
    const { schemeRun } = await client.getSchemeRun({ name: name ?? '' });
    if (schemeRun && schemeRun.state >= SchemeRunState.SCHEME_RUN_STATE_SUCCEEDED) return schemeRun;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the run did not end in thirty seconds');
}

/** Has a version approved by another person and published; gives the run. */
export async function publish(suite: Suite, name: string): Promise<SchemeRun> {
  await suite.schemes(['marketing_approver'], '/demo', 'staff/adam').approveScheme({ name, requestId: uuidv7() });
  const { schemeRun } = await suite.schemes(['marketer']).publishScheme({ name, requestId: uuidv7() });
  return ended(suite, schemeRun?.name);
}

/** The versions of segments that a party is in. */
export async function segmentsOf(suite: Suite, party: string): Promise<string[]> {
  const { memberships } = await suite.as(['analyst']).getMemberships({ party });
  return memberships.map(({ segmentVersion }) => segmentVersion);
}
