import { sql, type Tx } from '@rapport/kit/db';
import { type EventHandler, on } from '@rapport/kit/events';
import { CampaignCompleted, CampaignLaunched, CampaignPaused, CampaignResumed } from '@rapport/proto/marketing/v1';

interface Told {
  campaign: string;
  segmentVersion: string;
}

/** Notes whether a campaign sends to a version. What is older than what is known changes nothing. */
async function note(tx: Tx, { campaign, segmentVersion }: Told, active: boolean, at: Date): Promise<void> {
  const [segmentId = '', version = '0'] = segmentVersion.slice('segments/'.length).split('@');
  await tx.run(sql`
    INSERT INTO campaign_use AS u (campaign_id, segment_id, version, active, change_time)
    VALUES (${campaign.slice('campaigns/'.length)}::uuid, ${segmentId}, ${Number(version)}, ${active}, ${at})
    ON CONFLICT (campaign_id) DO UPDATE SET active = excluded.active, change_time = excluded.change_time
    WHERE u.change_time <= excluded.change_time`);
}

/**
 * Keeps which campaigns send to which version, so that none loses its audience unnoticed. By events, because segments
 * live on where there is no marketing service.
 */
export const campaignEvents: EventHandler[] = [
  on(CampaignLaunched, (tx, event, meta) => note(tx, event, true, event.launchTime ?? meta.occurred)),
  on(CampaignResumed, (tx, event, meta) => note(tx, event, true, event.resumeTime ?? meta.occurred)),
  on(CampaignPaused, (tx, event, meta) => note(tx, event, false, event.pauseTime ?? meta.occurred)),
  on(CampaignCompleted, (tx, event, meta) => note(tx, event, false, event.completeTime ?? meta.occurred)),
];
