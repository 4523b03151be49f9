import { audit } from '@rapport/kit/crypto';
import { type Call, idempotent } from '@rapport/kit/rpc';
import { type CreateTemplateRequest, CreateTemplateResponse } from '@rapport/proto/marketing/v1';
import { assertInside } from '../access/access.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { checkTexts, storedVersion, toTemplate } from './template.js';

export async function createTemplate(
  { db, clock }: Deps,
  request: CreateTemplateRequest,
  call: Call,
): Promise<CreateTemplateResponse> {
  const { templateId, title, organisationPath, version } = request;
  if (!version) throw new TypeError('validation lets no request without a version pass');
  const scope = call.scope;
  assertInside(scope, organisationPath);
  checkTexts(version.variables, version.variants);
  const stored = storedVersion(version);
  const createTime = clock.now();
  const createdBy = call.principal.subject;
  return idempotent(
    db,
    call,
    request,
    CreateTemplateResponse,
    async (tx) => {
      const { count } = await tx.prisma.template.createMany({
        data: [{ templateId, title, organisationPath, createTime }],
        skipDuplicates: true,
      });
      if (count === 0) throw fail('TEMPLATE_EXISTS', { metadata: { template: `templates/${templateId}` } });
      await tx.prisma.templateVersion.create({ data: { templateId, version: 1, ...stored, createdBy, createTime } });
      await audit(tx, call, { resource: `templates/${templateId}@1`, fields: ['title', 'variables', 'variants'] });
      const row = { templateId, title, organisationPath, createTime, version: 1, ...stored, createdBy };
      return { template: toTemplate({ ...row, versionTime: createTime }) };
    },
    { scope },
  );
}
