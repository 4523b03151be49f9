import { ask } from './client.js';
import type { CalendarDate } from './types.js';

/** Customers with like values; numbers are texts. */
export interface DistributionCell {
  value: string;
  from?: number;
  to?: number;
  missing: boolean;
  rest: boolean;
  count: string;
  population: string;
  hidden: boolean;
}

export interface Distribution {
  attribute: string;
  description: string;
  type: string;
  cells: DistributionCell[];
}

export interface RuleDescription {
  count: string;
  countHidden: boolean;
  population: string;
  distributions: Distribution[];
  smallestCount: number;
  asOf?: CalendarDate;
  sqlMs: number;
}

export interface Overlap {
  groups: { segmentVersion: string; title: string; count: string; hidden: boolean }[];
  pairs: { first: number; second: number; both: string; hidden: boolean }[];
  population: string;
  smallestCount: number;
}

interface Asked {
  rule: string;
  asOf: CalendarDate | undefined;
  organisationPath: string;
}

export const describeRule = (asked: Asked, attributes: readonly string[], signal?: AbortSignal) =>
  ask<RuleDescription>(
    'rules:describe',
    { ...asked, breakdowns: attributes.map((attribute) => ({ attribute })) },
    signal,
  );

export const compareOverlap = (asked: Asked, segments: readonly string[], signal?: AbortSignal) =>
  ask<Overlap>('segments:compareOverlap', { ...asked, segments }, signal);

/** A part of a rule by itself. */
export interface CountedRulePart {
  kind: string;
  depth: number;
  description: string;
  rule: string;
  count: string;
  hidden: boolean;
  doubts: { reason: string; message: string; messageZh: string }[];
}

export const countRuleParts = (asked: Asked, signal?: AbortSignal) =>
  ask<{ parts: CountedRulePart[]; population: string; smallestCount: number }>('rules:countParts', asked, signal);
