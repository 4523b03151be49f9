import { within } from '@rapport/kit/db';
import type { Call } from '@rapport/kit/rpc';
import type { GetContactPolicyRequest, GetContactPolicyResponse } from '@rapport/proto/marketing/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { findPolicy, toContactPolicy } from './contact-policy.js';

export async function getContactPolicy(
  { db }: Deps,
  { organisationPath }: GetContactPolicyRequest,
  call: Call,
): Promise<GetContactPolicyResponse> {
  // What lies outside of the caller's part of the bank has no policy as far as the caller may know.
  const inside = within(call.scope, organisationPath);
  const row = inside ? await findPolicy(db.system, organisationPath) : undefined;
  if (!row) throw fail('CONTACT_POLICY_NOT_FOUND', { metadata: { organisation_path: organisationPath } });
  return { policy: toContactPolicy(row) };
}
