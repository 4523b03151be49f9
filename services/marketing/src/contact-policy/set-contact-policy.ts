import { audit } from '@rapport/kit/crypto';
import { everything, sql } from '@rapport/kit/db';
import { type Call, checkEtag, idempotent } from '@rapport/kit/rpc';
import { DeliveryReason, type SetContactPolicyRequest, SetContactPolicyResponse } from '@rapport/proto/marketing/v1';
import { assertInside, underPath } from '../access/access.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { lockPolicy, policyEtag, toContactPolicy } from './contact-policy.js';

export async function setContactPolicy(
  { db, clock, wake }: Deps,
  request: SetContactPolicyRequest,
  call: Call,
): Promise<SetContactPolicyResponse> {
  const { policy } = request;
  if (!policy) throw new TypeError('validation lets no request without a policy pass');
  const { organisationPath, frequencyCaps, quietHours } = policy;
  assertInside(call.scope, organisationPath);
  if (new Set(frequencyCaps.map((cap) => `${cap.purpose} ${cap.days}`)).size < frequencyCaps.length) {
    throw fail('CAP_REPEATED', {
      violations: [{ field: 'policy.frequency_caps', description: 'has two of the same' }],
    });
  }
  return idempotent(
    db,
    call,
    request,
    SetContactPolicyResponse,
    async (tx) => {
      const before = await lockPolicy(tx, organisationPath);
      checkEtag(policy.etag, before ? policyEtag(before) : '');
      const row = {
        organisationPath,
        frequencyCaps: frequencyCaps.map(({ purpose, messages, days }) => ({ purpose, messages, days })),
        quietStart: quietHours?.start ?? '',
        quietEnd: quietHours?.end ?? '',
        version: (before?.version ?? 0) + 1,
        updateTime: clock.now(),
      };
      await tx.prisma.contactPolicy.upsert({ where: { organisationPath }, create: row, update: row });
      // What the old policy held is looked at anew. The rows may be those of branches that the caller does not see, so
      // this runs in the service's own name.
      const { DELIVERY_REASON_FREQUENCY_CAP: cap, DELIVERY_REASON_QUIET_HOURS: quiet } = DeliveryReason;
      await tx.run(sql`
        UPDATE delivery SET due_time = ${row.updateTime}, retry_time = ${row.updateTime}
        WHERE due_time > ${row.updateTime} AND state = 3 AND lease IS NULL AND ${underPath(organisationPath)}
          AND reason IN (${cap}, ${quiet}, ${DeliveryReason.DELIVERY_REASON_NO_CONTACT_POLICY})`);
      await audit(tx, call, {
        resource: `contactPolicies${organisationPath}`,
        change: { version: row.version, caps: frequencyCaps.length, quiet_hours: quietHours !== undefined },
      });
      tx.afterCommit(wake);
      return { policy: toContactPolicy(row) };
    },
    { scope: everything },
  );
}
