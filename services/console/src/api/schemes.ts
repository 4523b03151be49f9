import { ask, get, nameOf, write } from './client.js';
import type { CalendarDate, Paged } from './types.js';

export interface GroupTitle {
  groupId: string;
  title: string;
  titleZh: string;
}

export interface Band {
  group: GroupTitle;
  from?: number;
}

export interface Tier {
  group: GroupTitle;
  enterAssets?: number;
  keepAssets?: number;
  enterProfit?: number;
  keepProfit?: number;
  privileges: { code: string; title: string; titleZh: string }[];
}

/** A group of an RFM scheme: a rectangle of scores, ends included. */
export interface RfmGroup {
  group: GroupTitle;
  recencyFrom: number;
  recencyTo: number;
  valueFrom: number;
  valueTo: number;
}

/** How a scheme divides: one of these. */
export interface SchemePlan {
  bands?: { feature: string; bands: Band[]; missing?: GroupTitle };
  rules?: { groups: { group: GroupTitle; rule: string }[]; otherwise?: GroupTitle };
  tiers?: { assets: string; profit: string; match: string; tiers: Tier[]; graceDays: number };
  rfm?: { recency: string; frequency: string; monetary: string; groups?: RfmGroup[]; inactive?: GroupTitle };
  clusters?: { features: string[]; clusters: number; sampleSize: number; seed: number };
  lookalike?: {
    seedRule: string;
    features: string[];
    top?: string;
    threshold?: number;
    share?: number;
    keepSeed: boolean;
  };
}

export interface ClusterModel {
  features: { feature: string; low: number; high: number; mean: number; deviation: number }[];
  clusters: { groupId: string; centre: number[]; means: number[]; share: number; profile: string; profileZh: string }[];
  silhouette: number;
  parties: string;
  asOf?: CalendarDate;
  kept: number;
  /** How well other numbers of clusters fit; empty when the plan names the number. */
  choices: { clusters: number; silhouette: number; inertia: number }[];
}

export interface SchemeModel {
  rfm?: { recencyCuts: number[]; frequencyCuts: number[]; monetaryCuts: number[]; parties: string };
  clusters?: ClusterModel;
  lookalike?: {
    features: { feature: string; importance: number; cuts: number[]; weights: number[] }[];
    auc: number;
    lift: number;
    seedParties: string;
    otherParties: string;
    /** What to expect of taking the most similar, by parties that were held out. */
    cuts: { share: number; score: number; precision: number; recall: number }[];
  };
}

export interface SchemeVersion {
  /** `schemes/{id}@{version}`. */
  name: string;
  version: number;
  plan: SchemePlan;
  /** `SEGMENT_STATE_…`. */
  state: string;
  groups: { group: GroupTitle; segment: string; rule: string; members: string }[];
  model?: SchemeModel;
  assignedDate?: CalendarDate;
  createdBy: string;
  createTime: string;
  approvedBy: string;
  approveTime?: string;
  rejectReason: string;
  publishTime?: string;
  retireTime?: string;
}

export interface Scheme {
  name: string;
  title: string;
  organisationPath: string;
  /** `SCHEME_KIND_…`. */
  kind: string;
  latestVersion?: SchemeVersion;
  publishedVersion: number;
  createdBy: string;
  createTime: string;
}

export interface SchemeRun {
  name: string;
  schemeVersion: string;
  kind: string;
  state: string;
  asOf?: CalendarDate;
  step: string;
  stepsDone: number;
  stepsTotal: number;
  reason: string;
  message: string;
  changed: string;
  createTime: string;
  finishTime?: string;
  createdBy: string;
}

/** What is wrong with a plan, with a customer or values that show it. */
export interface SchemeProblem {
  field: string;
  reason: string;
  message: string;
  groups: string[];
  exampleParty: string;
  example: string;
}

export interface SchemeCheck {
  problems: SchemeProblem[];
  proved: boolean;
  counts: { groupId: string; parties: string }[];
  uncovered: string;
  overlapping: string;
}

export const listSchemes = (kind: string, pageToken: string, signal?: AbortSignal) =>
  get<{ schemes: Scheme[] } & Paged>('schemes', { kind, pageSize: 20, pageToken }, signal);

export const getScheme = (id: string, signal?: AbortSignal) =>
  get<{ scheme: Scheme; version: SchemeVersion }>(nameOf('schemes', id), {}, signal);

export const checkScheme = (plan: SchemePlan, organisationPath: string, signal?: AbortSignal) =>
  ask<SchemeCheck>('schemes:check', { plan, organisationPath }, signal);

export const createScheme = (scheme: { schemeId: string; title: string; organisationPath: string; plan: SchemePlan }) =>
  write<{ scheme: Scheme }>('schemes', scheme);

export const createSchemeVersion = (id: string, plan: SchemePlan) =>
  write<{ version: SchemeVersion }>(`${nameOf('schemes', id)}/versions`, { plan });

export const listSchemeRuns = (id: string, pageToken: string, signal?: AbortSignal) =>
  get<{ schemeRuns: SchemeRun[] } & Paged>(`${nameOf('schemes', id)}/runs`, { pageSize: 10, pageToken }, signal);

type Step = 'fit' | 'approve' | 'publish' | 'retire' | 'assign';

export const listSchemeVersions = (id: string, pageToken: string, signal?: AbortSignal) =>
  get<{ versions: SchemeVersion[] } & Paged>(`${nameOf('schemes', id)}/versions`, { pageSize: 50, pageToken }, signal);

/** What a run of a version would find. */
export interface SchemePreview {
  asOf?: CalendarDate;
  groups: { group: GroupTitle; parties: string; before: string }[];
  moves: { fromGroup: string; toGroup: string; parties: string }[];
  sample: { party: string; fromGroup: string; toGroup: string }[];
}

/** A dry run for a day; today when there is none. */
export const previewScheme = (version: string, asOf: CalendarDate | undefined, signal?: AbortSignal) =>
  ask<SchemePreview>(`${version}:preview`, { asOf, sampleSize: 20 }, signal);

/** Fills in the history of a day before the first use. */
export const fillInScheme = ({ version, asOf }: { version: string; asOf: CalendarDate }) =>
  write<{ schemeRun: SchemeRun }>(`${version}:assign`, { asOf });

/** Moves a version: long work comes back as a run that goes on, the rest as the version. */
export const moveScheme = ({ version, step }: { version: string; step: Step }) =>
  write<{ schemeRun?: SchemeRun; version?: SchemeVersion }>(`${version}:${step}`, {});

export const rejectScheme = ({ version, reason }: { version: string; reason: string }) =>
  write<{ version: SchemeVersion }>(`${version}:reject`, { reason });

export interface PartyGroup {
  scheme: string;
  group: GroupTitle;
  score: number;
  fromDate?: CalendarDate;
  current: boolean;
  privileges: { code: string; title: string; titleZh: string }[];
}

export const listPartyGroups = (id: string, signal?: AbortSignal) =>
  get<{ groups: PartyGroup[] } & Paged>(`${nameOf('parties', id)}/groups`, { pageSize: 50 }, signal);

/** A family of segments that is ready to be used. */
export interface SegmentTemplate {
  /** `segmentTemplates/{id}`. */
  name: string;
  title: string;
  titleZh: string;
  description: string;
  descriptionZh: string;
  parameters: {
    key: string;
    title: string;
    titleZh: string;
    type: string;
    unit: string;
    /** Empty for texts that are taken from the bank's own data. */
    defaults: string[];
  }[];
}

export const listSegmentTemplates = (signal?: AbortSignal) =>
  get<{ templates: SegmentTemplate[] } & Paged>('segmentTemplates', { pageSize: 100 }, signal);

export const renderSegmentTemplate = (name: string, parameters: readonly { key: string; values: string[] }[]) =>
  ask<{ plan: SchemePlan }>(`${name}:render`, { parameters });
