import { ask, get, nameOf, write } from './client.js';
import type { CalendarDate, Paged } from './types.js';

/** A word of the rule language. */
export interface Attribute {
  key: string;
  type: string;
  unit: string;
  unitZh: string;
  titleEn: string;
  titleZh: string;
  description: string;
  descriptionZh: string;
  /** The events that it comes from. */
  sources: string[];
  freshWithin: string;
  arguments: {
    name: string;
    type: string;
    optional: boolean;
    description: string;
    descriptionZh: string;
    values: string[];
    /** What may stand in it where it is a map. */
    keys: { key: string; type: string; values: string[] }[];
  }[];
  values: string[];
  /** Whether it depends on the day. */
  dated: boolean;
  /** Whether a party may not have it. */
  missing: boolean;
  /** `DATA_CLASS_C1` to `DATA_CLASS_C3`. */
  dataClass: string;
}

export interface SegmentVersion {
  /** `segments/{id}@{version}`. */
  name: string;
  version: number;
  rule: string;
  description: string;
  asOf?: CalendarDate;
  state: string;
  members: string;
  evaluateTime?: string;
  createdBy: string;
  createTime: string;
  publishTime?: string;
  approvedBy: string;
  approveTime?: string;
  rejectedBy: string;
  rejectReason: string;
  retireTime?: string;
}

export interface Segment {
  name: string;
  title: string;
  organisationPath: string;
  latestVersion?: SegmentVersion;
  publishedVersion: number;
  createdBy: string;
  createTime: string;
}

/** What is wrong with a rule, and where; counted from 1. */
export interface RuleProblem {
  line: number;
  column: number;
  reason: string;
  message: string;
}

export interface Membership {
  segmentVersion: string;
  title: string;
  description: string;
  enterTime: string;
}

export const listAttributes = (signal?: AbortSignal) =>
  get<{ attributes: Attribute[] } & Paged>('attributes', { pageSize: 1000 }, signal);

export const checkRule = (rule: string, signal?: AbortSignal) =>
  ask<{ problem?: RuleProblem; description: string; attributes: string[] }>('rules:check', { rule }, signal);

export interface Preview {
  count: string;
  sample: string[];
  sqlMs: number;
  description: string;
  asOf?: CalendarDate;
}

export const previewSegment = (
  rule: string,
  asOf: CalendarDate | undefined,
  organisationPath: string,
  signal?: AbortSignal,
) => ask<Preview>('segments:preview', { rule, organisationPath, sampleSize: 10, ...(asOf ? { asOf } : {}) }, signal);

export const listSegments = (
  pageToken: string,
  signal?: AbortSignal,
  pageSize = 20,
  state = '',
  { query = '', inUse = false }: { query?: string; inUse?: boolean } = {},
) =>
  get<{ segments: Segment[] } & Paged>(
    'segments',
    { pageSize, pageToken, state, query, ...(inUse ? { inUse: 'true' } : {}) },
    signal,
  );

export const getSegment = (id: string, signal?: AbortSignal) =>
  get<{ segment: Segment; version: SegmentVersion }>(nameOf('segments', id), {}, signal);

export const listMembers = (version: string, pageToken: string, signal?: AbortSignal) =>
  get<{ members: { party: string; enterTime: string }[]; total: string } & Paged>(
    `${version}/members`,
    { pageSize: 20, pageToken },
    signal,
  );

export const createSegment = (segment: {
  segmentId: string;
  title: string;
  organisationPath: string;
  rule: string;
  asOf?: CalendarDate;
}) => write<{ segment: Segment }>('segments', segment);

/** Makes the next version; refused when the newest is not the one that the rule was made from. */
export const createSegmentVersion = (
  id: string,
  { rule, asOf, baseVersion }: { rule: string; asOf: CalendarDate | undefined; baseVersion: number },
) =>
  write<{ version: SegmentVersion }>(`${nameOf('segments', id)}/versions`, {
    rule,
    baseVersion,
    ...(asOf ? { asOf } : {}),
  });

export const approveSegmentVersion = (version: string) => write<{ version: SegmentVersion }>(`${version}:approve`, {});

export const publishSegment = (version: string) => write<{ version: SegmentVersion }>(`${version}:publish`, {});

export const evaluateSegment = (version: string) =>
  write<{ members: string; entered: string; exited: string }>(`${version}:evaluate`, {});

export const getMemberships = (id: string, signal?: AbortSignal) =>
  get<{ memberships: Membership[]; asOf: string }>(`${nameOf('parties', id)}/memberships`, {}, signal);
