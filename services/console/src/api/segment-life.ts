import { ask, get, nameOf, write } from './client.js';
import type { SegmentVersion } from './segmentation.js';
import type { CalendarDate, Paged } from './types.js';

export const rejectSegmentVersion = ({ version, reason }: { version: string; reason: string }) =>
  write<{ version: SegmentVersion }>(`${version}:reject`, { reason });

export const retireSegmentVersion = (version: string) => write<{ version: SegmentVersion }>(`${version}:retire`, {});

export const listSegmentVersions = (id: string, pageToken: string, signal?: AbortSignal) =>
  get<{ versions: SegmentVersion[] } & Paged>(
    `${nameOf('segments', id)}/versions`,
    { pageSize: 20, pageToken },
    signal,
  );

/** A part of two rules: `RULE_CHANGE_KIND_…`. */
export interface RuleChange {
  kind: string;
  before: string;
  after: string;
  beforeRule: string;
  afterRule: string;
  within: string[];
}

export interface Comparison {
  changes: RuleChange[];
  baseCount: string;
  count: string;
  entering: string;
  leaving: string;
  enteringSample: string[];
  leavingSample: string[];
}

export const compareSegmentVersions = (base: string, name: string, signal?: AbortSignal) =>
  ask<Comparison>('segments:compare', { base, name, sampleSize: 10 }, signal);

export interface Changes {
  steps: { day: CalendarDate; count: string; entered: string; exited: string }[];
  enteredSample: string[];
  exitedSample: string[];
}

export const previewChanges = (
  asked: {
    rule: string;
    from: CalendarDate;
    to: CalendarDate;
    step: 'STEP_DAY' | 'STEP_WEEK';
    organisationPath: string;
  },
  signal?: AbortSignal,
) => ask<Changes>('segments:previewChanges', { ...asked, sampleSize: 10 }, signal);

export interface SegmentDay {
  day: CalendarDate;
  version: number;
  members: string;
  entered: string;
  exited: string;
  reasons: { reason: string; entered: string; exited: string }[];
}

/** The days on which a segment changed, a year at most. */
export const getSegmentHistory = (id: string, from: string, signal?: AbortSignal) => {
  const [year, month, day] = from.split('-').map(Number);
  return get<{ days: SegmentDay[] } & Paged>(
    `${nameOf('segments', id)}/history`,
    { pageSize: 1000, 'from.year': year, 'from.month': month, 'from.day': day },
    signal,
  );
};

export interface Flows {
  flows: { source: string; target: string; parties: string }[];
  from: CalendarDate;
  to: CalendarDate;
}

export const getSegmentFlows = (segments: readonly string[], from: CalendarDate, signal?: AbortSignal) =>
  ask<Flows>('segments:flows', { segments, from }, signal);

/** A part of a rule: `RULE_PART_KIND_…`, outer parts before those in them. */
export interface RulePart {
  kind: string;
  depth: number;
  description: string;
  /** The part as a rule by itself. */
  rule: string;
  holds: boolean;
  decides: boolean;
  values: {
    attribute: string;
    description: string;
    value: string;
    missing: boolean;
    masked: boolean;
    sources: { description: string; descriptionZh: string; type: string; value: string }[];
  }[];
  /** Of a part of another segment's rule: that version. */
  segmentVersion?: string;
  /** The day on which it was asked, where that is not the day of the whole. */
  asOf?: CalendarDate;
}

export interface Explanation {
  party: string;
  segmentVersion: string;
  belongs: boolean;
  reason: string;
  parts: RulePart[];
  summary: string;
  member: boolean;
  enterTime?: string;
  asOf?: CalendarDate;
}

export const explainMembership = (
  party: string,
  segment: string,
  asOf: CalendarDate | undefined,
  signal?: AbortSignal,
) => ask<Explanation>('memberships:explain', { party, segment, ...(asOf ? { asOf } : {}) }, signal);
