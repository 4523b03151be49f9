import { sql, type Tx } from '@rapport/kit/db';
import type { EventMeta } from '@rapport/kit/events';
import { uuidv7 } from '@rapport/kit/runtime';
import { inject } from '@rapport/kit/telemetry';
import { CampaignState } from '@rapport/proto/marketing/v1';
import type { SegmentEntered } from '@rapport/proto/segmentation/v1';
import { idOf, pathsAbove } from '../access/access.js';
import type { Deps } from '../deps.js';

/**
 * A party came into a segment: it comes into the audience of each launched campaign that takes new members of that
 * version. Safe to repeat: a party is in an audience once. A paused campaign takes it in, too, and holds its message.
 */
export function onSegmentEntered({ clock, wake }: Pick<Deps, 'clock' | 'wake'>) {
  return async (tx: Tx, event: SegmentEntered, meta: EventMeta): Promise<void> => {
    const now = clock.now();
    const campaigns = await tx.rows<{ id: string }>(sql`
      SELECT campaign_id AS id FROM campaign
      WHERE segment_id = ${idOf(event.segment)} AND segment_version = ${event.version} AND on_enter
        AND organisation_path = ANY(${pathsAbove(event.organisationPath)}::text[])
        AND state IN (${CampaignState.CAMPAIGN_STATE_RUNNING}, ${CampaignState.CAMPAIGN_STATE_PAUSED})`);
    if (campaigns.length === 0) return;
    const added = await tx.run(sql`
      INSERT INTO delivery (party_id, campaign_id, delivery_id, organisation_path, due_time, traceparent, create_time)
      SELECT ${idOf(event.party)}::uuid, campaign, id, ${event.organisationPath}, ${now},
        ${inject() ?? meta.traceparent ?? ''}, ${now}
      FROM unnest(${campaigns.map(({ id }) => id)}::uuid[], ${campaigns.map(() => uuidv7())}::uuid[]) AS c (campaign, id)
      ON CONFLICT (party_id, campaign_id) DO NOTHING`);
    if (added > 0) tx.afterCommit(wake);
  };
}
