import { randomUUID } from 'node:crypto';
import { Scheme, SegmentTemplate, TemplateParameterType } from '@rapport/proto/segmentation/v1';
import type { Clients } from '../clients.js';
import { currentBank } from '../memory.js';
import { print } from '../output.js';
import { OperatorError, type Suite } from '../suite.js';
import { asEmployee } from './segment-lifecycle.js';

async function templatesOf(clients: Clients): Promise<SegmentTemplate[]> {
  return (await clients.segmentation.listSegmentTemplates({ pageSize: 1000, pageToken: '' })).templates;
}

/** `rapport segment templates`. */
export async function listTemplates(clients: Clients, flags: { json?: boolean }): Promise<void> {
  const templates = await templatesOf(clients);
  print(
    flags.json === true,
    templates.map((one) => SegmentTemplate.toJSON(one)),
    function* () {
      for (const { name, title, titleZh, description, parameters } of templates) {
        yield `${name.slice('segmentTemplates/'.length)}  ${title} (${titleZh})`;
        yield `  ${description}`;
        for (const one of parameters) {
          const usual = one.defaults.length > 0 ? one.defaults.join(',') : 'what the bank has';
          yield `    ${one.key}=${usual}  ${one.title}${one.unit ? `, in ${one.unit}` : ''}`;
        }
      }
    },
  );
}

/** `rapport segment from-template`: makes the plan of a template a scheme. */
export async function fromTemplate(
  suite: Suite,
  clients: Clients,
  template: string,
  schemeId: string,
  flags: { set?: string[]; title?: string; path?: string; bank?: string; as?: string; json?: boolean },
): Promise<void> {
  const name = template.startsWith('segmentTemplates/') ? template : `segmentTemplates/${template}`;
  const known = (await templatesOf(clients)).find((one) => one.name === name);
  if (!known) throw new OperatorError(`there is no template ${template}; rapport segment templates lists them`);
  const parameters = (flags.set ?? []).map((text) => {
    const [key = '', ...rest] = text.split('=');
    if (rest.length === 0) throw new OperatorError(`"${text}" sets nothing; write key=value`);
    const value = rest.join('=');
    const one = known.parameters.find((parameter) => parameter.key === key);
    const many = one?.type === TemplateParameterType.TEMPLATE_PARAMETER_TYPE_TEXTS;
    return { key, values: many ? value.split(',') : [value] };
  });
  const options = await asEmployee(clients, flags.as);
  const { plan } = await clients.segmentation.renderSegmentTemplate({ name, parameters }, options);
  const { scheme } = await clients.schemes.createScheme(
    {
      schemeId,
      title: flags.title ?? known.title,
      organisationPath: flags.path ?? `/${await currentBank(suite, clients, flags.bank)}`,
      plan,
      requestId: randomUUID(),
    },
    options,
  );
  if (!scheme) throw new Error('the answer has no scheme');
  print(flags.json === true, Scheme.toJSON(scheme), function* () {
    yield `${scheme.name} was made; version 1 is a draft that somebody else has to approve.`;
    for (const { segment, rule } of scheme.latestVersion?.groups ?? []) yield `  ${segment}  ${rule}`;
  });
}
