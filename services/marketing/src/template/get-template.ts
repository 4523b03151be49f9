import type { Call } from '@rapport/kit/rpc';
import type { GetTemplateRequest, GetTemplateResponse } from '@rapport/proto/marketing/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { findTemplate, templateNameOf, toTemplate, toTemplateVersion } from './template.js';

export async function getTemplate({ db }: Deps, request: GetTemplateRequest, call: Call): Promise<GetTemplateResponse> {
  const scope = call.scope;
  const { id, version } = templateNameOf(request.name);
  const newest = await findTemplate(db.system, scope, `templates/${id}`);
  const asked = version === undefined ? newest : await findTemplate(db.system, scope, request.name);
  if (!newest || !asked) throw fail('TEMPLATE_NOT_FOUND', { metadata: { template: request.name } });
  return { template: toTemplate(newest), version: toTemplateVersion(asked) };
}
