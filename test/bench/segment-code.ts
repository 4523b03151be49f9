import path from 'node:path';
import type { Analytics } from '@rapport/kit/analytics';
import type { Database } from '@rapport/kit/db';
import type { Membership } from '@rapport/proto/segmentation/v1';
import { root } from './scripts.js';

/** What the service's code works with, as far as a measurement makes it. */
export interface SegmentDeps {
  db: Database;
  analytics: Analytics;
  clock: { now(): Date };
  zone: string;
  reads: unknown;
}

interface SegmentCode {
  'fact/fact': { factTables: readonly string[] };
  'membership/bitmaps': { bitmapTables: readonly string[] };
  'membership/membership': {
    membershipRows(scope: object, parties: readonly string[]): { text: string; name: string; values: unknown[] };
    membershipMessage(part: unknown): Membership;
  };
  'membership/follow-calendar': { evaluateDue(deps: SegmentDeps): Promise<number> };
  'segment/preview-segment': {
    previewSegment(deps: SegmentDeps, request: object, call: object): Promise<{ count: bigint; sample: string[] }>;
  };
}

/** A module of the segmentation service as it was built. Found by its path, because tests import no code of services. */
export function segmentCode<K extends keyof SegmentCode>(name: K): SegmentCode[K] {
  return require(path.join(root, 'services/segmentation/dist', `${name}.js`)) as SegmentCode[K];
}
