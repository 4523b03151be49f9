import { type Queryable, type Scope, scopeFilter, sql } from '@rapport/kit/db';
import { type Call, checkEtag, etag, Failure } from '@rapport/kit/rpc';
import { uuidv7 } from '@rapport/kit/runtime';
import { type Campaign, CampaignState } from '@rapport/proto/marketing/v1';
import { uuidOf } from '../access/access.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';

export interface CampaignRow {
  campaignId: string;
  title: string;
  segmentId: string;
  segmentVersion: number;
  templateId: string;
  templateVersion: number;
  offerId: string | null;
  channel: number;
  purpose: string;
  organisationPath: string;
  onEnter: boolean;
  holdoutPercent: number;
  values: Record<string, string>;
  state: number;
  createdBy: string;
  approvedBy: string;
  createTime: Date;
  approveTime: Date | null;
  launchTime: Date | null;
  completeTime: Date | null;
  version: number;
  traceparent: string;
}

export const campaignColumns = sql.raw(`campaign_id AS "campaignId", title, segment_id AS "segmentId",
  segment_version AS "segmentVersion", template_id AS "templateId", template_version AS "templateVersion",
  offer_id AS "offerId", channel, purpose, organisation_path AS "organisationPath", on_enter AS "onEnter",
  holdout_percent AS "holdoutPercent", "values", state, created_by AS "createdBy", approved_by AS "approvedBy",
  create_time AS "createTime", approve_time AS "approveTime", launch_time AS "launchTime",
  complete_time AS "completeTime", version, traceparent`);

export function toCampaign(row: CampaignRow): Campaign {
  return {
    name: `campaigns/${row.campaignId}`,
    title: row.title,
    segmentVersion: `segments/${row.segmentId}@${row.segmentVersion}`,
    templateVersion: `templates/${row.templateId}@${row.templateVersion}`,
    offer: row.offerId === null ? '' : `offers/${row.offerId}`,
    channel: row.channel,
    purpose: row.purpose,
    organisationPath: row.organisationPath,
    onEnter: row.onEnter,
    holdoutPercent: row.holdoutPercent,
    values: row.values,
    state: row.state,
    createdBy: row.createdBy,
    approvedBy: row.approvedBy,
    createTime: row.createTime,
    approveTime: row.approveTime ?? undefined,
    launchTime: row.launchTime ?? undefined,
    completeTime: row.completeTime ?? undefined,
    etag: campaignEtag(row),
  };
}

function campaignEtag(row: Pick<CampaignRow, 'campaignId' | 'version'>): string {
  return etag(row.campaignId, row.version);
}

/** The campaign of a name if the caller may see it. */
export async function findCampaign(db: Queryable, scope: Scope, name: string): Promise<CampaignRow | undefined> {
  const id = uuidOf(name);
  if (id === undefined) return undefined;
  return db.maybe<CampaignRow>(sql`
    SELECT ${campaignColumns} FROM campaign
    WHERE campaign_id = ${id}::uuid AND ${scopeFilter(scope, { path: 'organisation_path' })}`);
}

/**
 * The campaign of a name, locked until the transaction ends. Throws CAMPAIGN_NOT_FOUND, ETAG_MISMATCH, and CAMPAIGN_STATE
 * where it stands in none of the given states.
 */
export async function lockCampaign(
  db: Queryable,
  scope: Scope,
  request: { name: string; etag: string },
  ...states: CampaignState[]
): Promise<CampaignRow> {
  const row = await db.maybe<CampaignRow>(sql`
    SELECT ${campaignColumns} FROM campaign
    WHERE campaign_id = ${uuidOf(request.name) ?? null}::uuid AND ${scopeFilter(scope, { path: 'organisation_path' })}
    FOR UPDATE`);
  if (!row) throw fail('CAMPAIGN_NOT_FOUND', { metadata: { campaign: request.name } });
  checkEtag(request.etag, campaignEtag(row));
  if (!states.includes(row.state)) {
    throw fail('CAMPAIGN_STATE', { metadata: { campaign: request.name, state: CampaignState[row.state] ?? '' } });
  }
  return row;
}

/** What segmentation's refusal of a version means for a campaign. */
function segmentRefused(error: unknown, name: string): never {
  if (!(error instanceof Failure)) throw error;
  const metadata = { segment_version: name };
  if (error.kind === 'not_found' || error.kind === 'denied') throw fail('SEGMENT_NOT_FOUND', { metadata });
  if (error.reason === 'SEGMENT_NOT_PUBLISHED') throw fail('SEGMENT_NOT_PUBLISHED', { metadata });
  if (error.kind === 'unavailable' || error.kind === 'deadline' || error.kind === 'internal') {
    throw fail('SEGMENTATION_UNAVAILABLE', { metadata, retryInMs: 1000, cause: error });
  }
  throw error;
}

/**
 * Asks segmentation for the version a campaign goes to, in the caller's name. Throws SEGMENT_NOT_FOUND,
 * SEGMENTATION_UNAVAILABLE. Never inside a transaction.
 */
export async function checkSegment(segmentation: Deps['segmentation'], call: Call, name: string): Promise<void> {
  await segmentation.getSegment({ name }, { parent: call, timeoutMs: 5000 }).catch((error: unknown) => {
    segmentRefused(error, name);
  });
}

/**
 * Has segmentation keep the version in use for a campaign that is about to start, in the caller's name: from then on it
 * is not retired until the campaign pauses or ends. Throws SEGMENT_NOT_FOUND, SEGMENT_NOT_PUBLISHED,
 * SEGMENTATION_UNAVAILABLE. Never inside a transaction.
 */
export async function reserveSegment(
  segmentation: Deps['segmentation'],
  call: Call,
  { name: campaign, segmentVersion: name }: Pick<Campaign, 'name' | 'segmentVersion'>,
): Promise<void> {
  // Each start asks anew: an answer of before says nothing of now.
  const request = { name, campaign, requestId: uuidv7() };
  await segmentation
    .reserveSegmentVersion(request, { parent: call, timeoutMs: 5000 })
    .catch((error: unknown) => segmentRefused(error, name));
}
