import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SchemePlan, type SegmentTemplate, TemplateParameterType } from '@rapport/proto/segmentation/v1';
import { z } from 'zod';

const words = z.object({ en: z.string().min(1), zh: z.string().min(1) });
const parameter = z.object({
  key: z.string().regex(/^[a-z][a-z0-9_]*$/),
  title: words,
  type: z.enum(['number', 'texts']),
  unit: z.enum(['', 'years', 'days', 'transactions', 'currency units']),
  defaults: z.array(z.string()),
  /** The column of parties that texts are taken from where none are set. */
  from: z.enum(['region', 'district', 'branch']).optional(),
});
const file = z.object({ title: words, description: words, parameters: z.array(parameter), plan: z.json() });

export type Parameter = z.infer<typeof parameter>;
type Json = z.infer<typeof file>['plan'];
/** A template as its file says it. The id is the name of the file. */
export type Template = z.infer<typeof file> & { id: string };

const folder = join(__dirname, '../../templates');

/** The order in which they are offered. */
const order = ['age-bands', 'wealth-tiers', 'occupation', 'region', 'value-activity'];

/** Every template of the folder `templates`; those that are not named here come last, by id. */
export const templates: readonly Template[] = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .map((name) => ({ ...file.parse(JSON.parse(readFileSync(join(folder, name), 'utf8'))), id: name.slice(0, -5) }))
  .sort((a, b) => {
    const [one, two] = [a, b].map(({ id }) => (order.indexOf(id) + order.length + 1) % (order.length + 1));
    return (one ?? 0) - (two ?? 0) || (a.id < b.id ? -1 : 1);
  });

/** The template as the contract shows it. */
export function templateMessage({ id, title, description, parameters }: Template): SegmentTemplate {
  return {
    name: `segmentTemplates/${id}`,
    title: title.en,
    titleZh: title.zh,
    description: description.en,
    descriptionZh: description.zh,
    parameters: parameters.map((one) => ({
      key: one.key,
      title: one.title.en,
      titleZh: one.title.zh,
      type:
        one.type === 'number'
          ? TemplateParameterType.TEMPLATE_PARAMETER_TYPE_NUMBER
          : TemplateParameterType.TEMPLATE_PARAMETER_TYPE_TEXTS,
      unit: one.unit,
      defaults: one.defaults,
    })),
  };
}

type Values = ReadonlyMap<string, readonly string[]>;

/** `{{key}}` alone is the number itself; within a text it is the number, or the texts as a list of the rule language. */
function fill(text: string, template: Template, values: Values): Json {
  const typeOf = (key: string) => template.parameters.find((one) => one.key === key)?.type;
  const alone = /^\{\{(\w+)\}\}$/.exec(text)?.[1];
  if (alone !== undefined && typeOf(alone) === 'number') return Number(values.get(alone)?.[0]);
  return text.replace(/\{\{(\w+)\}\}/g, (whole, key: string) => {
    const found = values.get(key);
    if (!found) return whole;
    return typeOf(key) === 'number' ? String(Number(found[0])) : JSON.stringify(found);
  });
}

/** Copies a part of a plan with what is set; an entry with `each` is repeated for each text of that parameter. */
function render(part: Json, template: Template, values: Values): Json {
  if (typeof part === 'string') return fill(part, template, values);
  if (Array.isArray(part)) {
    return part.flatMap((entry) => {
      if (typeof entry !== 'object' || entry === null || Array.isArray(entry) || typeof entry['each'] !== 'string') {
        return [render(entry, template, values)];
      }
      const { each, ...rest } = entry;
      return (values.get(String(each)) ?? []).map((text, index) => {
        const own = JSON.stringify(rest, (_key, value: unknown) =>
          typeof value === 'string'
            ? value
                .replaceAll('{{number}}', String(index + 1))
                .replaceAll('{{quoted}}', () => JSON.stringify(text))
                .replaceAll('{{each}}', () => text)
            : value,
        );
        return JSON.parse(own) as Json;
      });
    });
  }
  if (typeof part !== 'object' || part === null) return part;
  return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, render(value, template, values)]));
}

/** The plan that a template makes with these values, of which every parameter has some. Pure. */
export function planOf(template: Template, values: Values): SchemePlan {
  return SchemePlan.fromJSON(render(template.plan, template, values));
}
