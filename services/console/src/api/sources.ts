import { get, write } from './client.js';
import type { Paged } from './types.js';

/** A system that parties come from. */
export interface Source {
  /** `sources/{name}`. */
  name: string;
  kind: string;
  /** 0 to 1000; the higher number wins. */
  priority: number;
  title?: { en: string; zh: string };
  createTime?: string;
  updateTime?: string;
  etag: string;
}

export const sourceKinds = [
  'SOURCE_KIND_CORE',
  'SOURCE_KIND_BRANCH',
  'SOURCE_KIND_APP',
  'SOURCE_KIND_WEB',
  'SOURCE_KIND_CALL_CENTRE',
  'SOURCE_KIND_PARTNER',
] as const;

export const listSources = (signal?: AbortSignal) =>
  get<{ sources: Source[] } & Paged>('sources', { pageSize: 1000 }, signal);

export type NewSource = Pick<Source, 'name' | 'kind' | 'priority'> & { title: { en: string; zh: string } };

export const createSource = (source: NewSource) => write<{ source: Source }>('sources', { source });

/** Changes kind, priority and title; refused when somebody else changed the source meanwhile. */
export const updateSource = (source: NewSource & { etag: string }) =>
  write<{ source: Source }>(source.name, { source, updateMask: 'kind,priority,title' }, 'PATCH');

export interface SourceQuality {
  /** The name of the source; empty for parties that were created here. */
  source: string;
  parties: string;
  averageScore: number;
  counts: { code: string; severity: string; parties: string; share: number }[];
}

/** What fails most by source, the worst average first. */
export const reportQuality = (organisationPath: string, signal?: AbortSignal) =>
  get<{ sources: SourceQuality[] }>('parties:reportQuality', { organisationPath }, signal);
