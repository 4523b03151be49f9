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
    ON CONFLICT (campaign_id) DO UPDATE SET active = excluded.active, change_time = excluded.change_time,
      -- A pause that is heard late must not end what the start after it has reserved.
      reserved_until = CASE WHEN excluded.active THEN NULL ELSE u.reserved_until END
    WHERE u.change_time <= excluded.change_time`);
}

/** Keeps a version in use for a campaign until a time, or until the campaign tells that it started. */
export async function reserve(
  tx: Tx,
  campaign: string,
  { segment_id: segmentId, version }: { segment_id: string; version: number },
  until: Date,
): Promise<void> {
  await tx.run(sql`
    INSERT INTO campaign_use (campaign_id, segment_id, version, active, change_time, reserved_until)
    VALUES (${campaign.slice('campaigns/'.length)}::uuid, ${segmentId}, ${version}, false, to_timestamp(0), ${until})
    ON CONFLICT (campaign_id) DO UPDATE SET segment_id = excluded.segment_id, version = excluded.version,
      reserved_until = excluded.reserved_until`);
}

/** Up to twenty campaigns that send to a version or are about to, `campaigns/{uuid}`. */
export async function campaignsOf(
  tx: Tx,
  { segment_id: segmentId, version }: { segment_id: string; version: number },
  at: Date,
): Promise<string[]> {
  const users = await tx.rows<{ id: string }>(sql`
    SELECT campaign_id AS id FROM campaign_use
    WHERE segment_id = ${segmentId} AND version = ${version} AND (active OR reserved_until > ${at})
    ORDER BY change_time, campaign_id LIMIT 20`);
  return users.map(({ id }) => `campaigns/${id}`);
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
