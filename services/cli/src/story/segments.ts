import type { SegmentVersion } from '@rapport/proto/segmentation/v1';
import type { Story } from './context.js';
import { type SaverRule, saverRule } from './follow.js';

export interface PlannedSegment {
  readonly id: string;
  readonly title: string;
  readonly rule: string;
}

/** The segments of the story: savers, to whom the campaign goes, and three families that every bank knows. */
export function plannedSegments(story: Story, savers: SaverRule): readonly [PlannedSegment, ...PlannedSegment[]] {
  const { id, units } = story.bank;
  const regions = units.filter((unit) => unit.kind === 'region').map((unit) => unit.title);
  const chosen = regions.filter((title) => /moravia|east/i.test(title));
  return [
    { id: `${id}-active-savers`, title: 'Active savers', rule: saverRule(savers) },
    { id: `${id}-young-adults`, title: 'Young adults', rule: 'party.age >= 18 && party.age < 30' },
    { id: `${id}-borrowers`, title: 'Borrowers', rule: 'holdings.count("loan") > 0' },
    {
      id: `${id}-eastern-account-holders`,
      title: 'Account holders in the east',
      rule: `party.region in ${JSON.stringify(chosen)} && holdings.count("account") > 0`,
    },
    {
      id: `${id}-women-with-card`,
      title: 'Women with a card',
      rule: 'party.sex == "female" && holdings.count("card") > 0',
    },
  ];
}

/** Creates a segment pinned to the story's day, has it approved by somebody else and publishes it. Gives its version 1. */
export async function publishSegment(story: Story, planned: PlannedSegment): Promise<SegmentVersion> {
  const { segmentation } = story.clients;
  await segmentation.createSegment({
    segmentId: planned.id,
    title: planned.title,
    organisationPath: `/${story.bank.id}`,
    rule: planned.rule,
    asOf: story.bank.asOf,
    requestId: story.request('segment', planned.id),
  });
  const approver = await story.clients.as(story.employee('approver'));
  await segmentation.approveSegmentVersion(
    { name: `segments/${planned.id}@1`, requestId: story.request('approve segment', planned.id) },
    approver,
  );
  await segmentation.publishSegment({
    name: `segments/${planned.id}@1`,
    requestId: story.request('publish', planned.id),
  });
  return currentVersion(story, planned);
}

export async function currentVersion(story: Story, planned: PlannedSegment): Promise<SegmentVersion> {
  const { version } = await story.clients.segmentation.getSegment({ name: `segments/${planned.id}@1` });
  if (!version) throw new Error(`segment ${planned.id} has no version 1`);
  return version;
}
