import type { Call } from '@rapport/kit/rpc';
import type { RenderTemplateRequest, RenderTemplateResponse } from '@rapport/proto/marketing/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { findTemplate, isGiven, readValues, renderMessage, toTemplateVersion } from './template.js';

export async function renderTemplate(
  { db }: Deps,
  request: RenderTemplateRequest,
  call: Call,
): Promise<RenderTemplateResponse> {
  const row = await findTemplate(db.system, call.scope, request.name);
  if (!row) throw fail('TEMPLATE_NOT_FOUND', { metadata: { template: request.name } });
  const { variables, variants } = toTemplateVersion(row);
  const examples = variables.filter(({ example }) => example !== '').map(({ key, example }) => [key, example] as const);
  const texts = Object.entries(request.values);
  const own = Object.fromEntries([...examples, ...texts.filter(([name]) => !isGiven(name))]);
  const values = {
    ...readValues(variables, own, 'values'),
    ...Object.fromEntries(texts.filter(([name]) => isGiven(name))),
  };
  const { language, subject, text, html } = renderMessage(variants, request.language, values);
  return { language, subject, textBody: text, htmlBody: html };
}
