import { type Database, sql } from '@rapport/kit/db';
import { publish } from '@rapport/kit/events';
import { logger, uuidv7 } from '@rapport/kit/runtime';
import { continueTrace } from '@rapport/kit/telemetry';
import { CampaignCompleted, CampaignState } from '@rapport/proto/marketing/v1';
import { idOf } from '../access/access.js';
import type { Deps } from '../deps.js';
import { type CampaignRow, campaignColumns, toCampaign } from './campaign.js';

/** A campaign whose audience is being read, and where the reading goes on. */
interface Filling {
  campaignId: string;
  segmentVersion: string;
  audienceToken: string;
  organisationPath: string;
  traceparent: string;
}

const LEASE_SECONDS = 60;
const PAGE = 1000;

function claim(db: Database, now: Date): Promise<Filling | undefined> {
  return db.system.maybe<Filling>(sql`
    UPDATE campaign SET audience_lease = ${now}::timestamptz + make_interval(secs => ${LEASE_SECONDS})
    WHERE campaign_id = (
      SELECT campaign_id FROM campaign
      WHERE state IN (${CampaignState.CAMPAIGN_STATE_RUNNING}, ${CampaignState.CAMPAIGN_STATE_PAUSED})
        AND NOT audience_done AND (audience_lease IS NULL OR audience_lease < ${now})
      ORDER BY launch_time LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING campaign_id AS "campaignId", segment_id || '@' || segment_version AS "segmentVersion",
      audience_token AS "audienceToken", organisation_path AS "organisationPath", traceparent`);
}

/** Puts one page of members into the audience and notes how far it came, together. */
async function store(
  { db, clock }: Pick<Deps, 'db' | 'clock'>,
  campaign: Filling,
  parties: readonly string[],
  nextToken: string,
): Promise<void> {
  const now = clock.now();
  await db.transaction({ kind: 'everything' }, async (tx) => {
    await tx.run(sql`
      INSERT INTO delivery (party_id, campaign_id, delivery_id, organisation_path, due_time, traceparent, create_time)
      SELECT party, ${campaign.campaignId}::uuid, id, ${campaign.organisationPath}, ${now}, ${campaign.traceparent}, ${now}
      FROM unnest(${parties.map(idOf)}::uuid[], ${parties.map(() => uuidv7())}::uuid[]) AS member (party, id)
      ON CONFLICT (party_id, campaign_id) DO NOTHING`);
    await tx.run(sql`
      UPDATE campaign SET audience_token = ${nextToken}, audience_done = ${nextToken === ''},
        audience_lease = CASE WHEN ${nextToken === ''} THEN NULL
          ELSE ${now}::timestamptz + make_interval(secs => ${LEASE_SECONDS}) END
      WHERE campaign_id = ${campaign.campaignId}::uuid`);
  });
}

/**
 * Reads the members of launched campaigns from segmentation, page by page, and makes a delivery of each. Where a process
 * ends, another goes on from the last page; a page that is read twice adds nobody twice. Gives how many campaigns are
 * complete now; one that segmentation does not answer for is tried again when its lease is over.
 */
export async function fillAudiences(
  deps: Pick<Deps, 'db' | 'clock' | 'segmentation' | 'wake'>,
  stopping: AbortSignal,
): Promise<number> {
  const { db, clock, segmentation, wake } = deps;
  let complete = 0;
  while (!stopping.aborted) {
    const campaign = await claim(db, clock.now());
    if (!campaign) return complete;
    try {
      await continueTrace(campaign.traceparent || undefined, async () => {
        const parent = `segments/${campaign.segmentVersion}`;
        let pageToken = campaign.audienceToken;
        do {
          const page = await segmentation.listMembers({ parent, pageSize: PAGE, pageToken }, { signal: stopping });
          pageToken = page.nextPageToken;
          const parties = page.members.map((member) => member.party);
          await store(deps, campaign, parties, pageToken);
          wake();
        } while (pageToken !== '' && !stopping.aborted);
      });
      complete += 1;
    } catch (error) {
      // Tried again in a few seconds, by whoever comes first.
      logger.warn({ err: error, campaign: campaign.campaignId }, 'the audience of a campaign could not be read');
      await db.system.run(sql`
        UPDATE campaign SET audience_lease = ${clock.now()}::timestamptz + interval '5 seconds'
        WHERE campaign_id = ${campaign.campaignId}::uuid`);
    }
  }
  return complete;
}

/**
 * Completes running campaigns for which everything is decided and that wait for nobody, and tells so. Gives how many.
 */
export async function completeCampaigns({ db, clock }: Pick<Deps, 'db' | 'clock'>): Promise<number> {
  const completeTime = clock.now();
  return db.transaction({ kind: 'everything' }, async (tx) => {
    const completed = await tx.rows<CampaignRow>(sql`
      UPDATE campaign SET state = ${CampaignState.CAMPAIGN_STATE_COMPLETED}, complete_time = ${completeTime},
        version = version + 1
      WHERE state = ${CampaignState.CAMPAIGN_STATE_RUNNING} AND audience_done AND NOT on_enter
        AND NOT EXISTS (
          SELECT FROM delivery WHERE delivery.campaign_id = campaign.campaign_id AND delivery.due_time IS NOT NULL)
      RETURNING ${campaignColumns}`);
    for (const row of completed) {
      const { name, organisationPath, segmentVersion } = toCampaign(row);
      const message = { campaign: name, organisationPath, segmentVersion, completeTime };
      await publish(tx, CampaignCompleted, message, { aggregate: row.campaignId, subject: name });
    }
    return completed.length;
  });
}
