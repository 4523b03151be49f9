import { get, nameOf } from './client.js';

/** The services that keep an audit chain of their own. */
export const auditedServices = ['customer', 'segmentation', 'marketing', 'cases', 'performance', 'reporting'] as const;
export type AuditedService = (typeof auditedServices)[number];

/** What the walk of a part of a chain found. */
export interface AuditPart {
  records: string;
  broken?: { sequence: string; reason: string; recordTime?: string; record: string };
  unsealed: string;
  asOf: string;
  roots: string;
  firstSequence: string;
  lastSequence: string;
  /** Where to go on; '0' at the end or at a broken record. */
  nextSequence: string;
}

/** Walks a part of a service's audit chain, from a position on. */
export const verifyAudit = (service: AuditedService, fromSequence: string, maxRecords: number, signal: AbortSignal) =>
  get<AuditPart>(`${nameOf('services', service)}:verifyAudit`, { fromSequence, maxRecords }, signal);
