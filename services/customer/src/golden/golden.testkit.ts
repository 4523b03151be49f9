import { uuidv7 } from '@rapport/kit/runtime';
import { Party } from '@rapport/proto/customer/v1';
import { as, operator, type Running } from '../customer.testkit.js';

/** The data steward of the bank /berka, or of a part of it. */
export const steward = (orgPath = '/berka') => as({ sub: 'staff/stella', roles: ['data_steward'], orgPath });

/** The party as it is now. */
export async function get(running: Running, name: string): Promise<Party> {
  return (await running.customer.getParty({ name }, operator())).party as Party;
}

/** Merges two parties as they are now. */
export async function merge(
  running: Running,
  survivor: string,
  merged: string,
  over: { identifiersMayDiffer?: boolean; legalHoldKnown?: boolean; token?: { token: string } } = {},
) {
  const survivorEtag = (await get(running, survivor)).etag;
  const mergedEtag = (await get(running, merged)).etag;
  const { identifiersMayDiffer = false, legalHoldKnown = false, token = steward() } = over;
  const known = { identifiersMayDiffer, legalHoldKnown };
  const request = { survivor, merged, survivorEtag, mergedEtag, ...known, reason: 'one person' };
  return running.golden.mergeParties({ ...request, requestId: uuidv7() }, token);
}

/** Takes a merge back as things are now. */
export async function unmerge(running: Running, name: string, token = steward()) {
  const { etag } = await get(running, name);
  return running.golden.unmergeParties({ name, etag, reason: 'two people', requestId: uuidv7() }, token);
}

/** Changes fields of a party as staff do. */
export async function update(running: Running, name: string, party: object, updateMask: string[]): Promise<Party> {
  const { etag, details } = await get(running, name);
  const wanted = Party.fromPartial({ details, ...party, name, etag });
  const request = { party: wanted, updateMask, requestId: uuidv7() };
  return (await running.customer.updateParty(request, operator())).party as Party;
}
