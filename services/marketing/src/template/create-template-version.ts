import { audit } from '@rapport/kit/crypto';
import { sql } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import { type CreateTemplateVersionRequest, CreateTemplateVersionResponse } from '@rapport/proto/marketing/v1';
import { assertInside } from '../access/access.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { checkTexts, findTemplate, storedVersion, toTemplateVersion } from './template.js';

export async function createTemplateVersion(
  { db, clock }: Deps,
  request: CreateTemplateVersionRequest,
  call: Call,
): Promise<CreateTemplateVersionResponse> {
  const { parent, version } = request;
  if (!version) throw new TypeError('validation lets no request without a version pass');
  const scope = call.scope;
  checkTexts(version.variables, version.variants);
  const stored = storedVersion(version);
  return idempotent(
    db,
    call,
    request,
    CreateTemplateVersionResponse,
    async (tx) => {
      const template = await findTemplate(tx, scope, parent);
      if (!template) throw fail('TEMPLATE_NOT_FOUND', { metadata: { template: parent } });
      // What a bank shares downwards its branches may use, not rewrite.
      assertInside(scope, template.organisationPath);
      const { templateId } = template;
      // The row stays locked until the commit, so that two authors get two numbers.
      const { number } = await tx.one<{ number: number }>(sql`
        UPDATE template SET latest_version = latest_version + 1 WHERE template_id = ${templateId}
        RETURNING latest_version AS number`);
      const write = { templateId, version: number, ...stored, createdBy: call.principal.subject };
      const createTime = clock.now();
      await tx.prisma.templateVersion.create({ data: { ...write, createTime } });
      await audit(tx, call, { resource: `${parent}@${number}`, fields: ['variables', 'variants'] });
      return { version: toTemplateVersion({ ...template, ...write, versionTime: createTime }) };
    },
    { scope },
  );
}
