import { useCallback, useEffect, useRef, useState } from 'react';
import { type AuditedService, type AuditPart, auditedServices, verifyAudit } from '../../api/operations.js';

/** Records of one call: about a second of work, so that the bar moves and a stop takes effect soon. */
const STEP = 100_000;

/** How far the walk of one service's chain is, and what it found. */
export interface Verification {
  state: 'waiting' | 'running' | 'whole' | 'broken' | 'failed' | 'stopped';
  records: number;
  roots: number;
  /** Records of the chain when it began. */
  total: number;
  unsealed: number;
  asOf?: string;
  broken?: NonNullable<AuditPart['broken']>;
  error?: unknown;
}

const begun: Verification = { state: 'waiting', records: 0, roots: 0, total: 0, unsealed: 0 };

/** Verifies chains one after the other, part by part; `stop` ends it, and so does leaving the page. */
export function useVerification() {
  const [found, setFound] = useState<Partial<Record<AuditedService, Verification>>>({});
  const [running, setRunning] = useState(false);
  const abort = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => abort.current?.abort(), []);

  const start = useCallback(async (services: readonly AuditedService[] = auditedServices) => {
    const controller = new AbortController();
    abort.current = controller;
    setRunning(true);
    setFound((before) => ({ ...before, ...Object.fromEntries(services.map((service) => [service, begun])) }));
    for (const service of services) {
      const show = (is: Verification): void => {
        if (abort.current === controller) setFound((before) => ({ ...before, [service]: is }));
      };
      let is: Verification = { ...begun, state: 'running' };
      try {
        for (let at = '1'; at !== '0'; ) {
          show(is);
          const part = await verifyAudit(service, at, STEP, controller.signal);
          // A part begins at the signed root before it; what lies between was counted already.
          const again = Number(at) - Number(part.firstSequence);
          at = part.nextSequence;
          is = {
            state: part.broken ? 'broken' : at === '0' ? 'whole' : 'running',
            records: is.records + Number(part.records) - again,
            roots: is.roots + Number(part.roots),
            total: Number(part.lastSequence),
            unsealed: Number(part.unsealed),
            asOf: part.asOf,
            ...(part.broken && { broken: part.broken }),
          };
        }
      } catch (error) {
        is = controller.signal.aborted ? { ...is, state: 'stopped' } : { ...is, state: 'failed', error };
      }
      show(is);
      if (controller.signal.aborted) break;
    }
    if (abort.current === controller) setRunning(false);
  }, []);

  const stop = useCallback(() => abort.current?.abort(), []);
  return { found, running, start, stop };
}
