import { type Queryable, type Scope, type Sql, sql } from '@rapport/kit/db';
import {
  type Template,
  type TemplateVariable,
  TemplateVariant,
  TemplateVersion,
  VariableType,
} from '@rapport/proto/marketing/v1';
import { above, sharedFilter } from '../access/access.js';
import { fail } from '../errors.js';
import { chooseVariant, givenNames, type Rendered, renderVariant, type Values } from './liquid.js';

export { checkTexts, type Rendered, type Values } from './liquid.js';

/** A template with one of its versions. */
export interface TemplateRow {
  templateId: string;
  title: string;
  organisationPath: string;
  createTime: Date;
  version: number;
  variables: unknown[];
  variants: unknown[];
  createdBy: string;
  versionTime: Date;
}

export const templateColumns = sql.raw(`template.template_id AS "templateId", title,
  organisation_path AS "organisationPath", template.create_time AS "createTime", template_version.version, variables,
  variants, created_by AS "createdBy", template_version.create_time AS "versionTime"`);

export function toTemplateVersion(row: TemplateRow): TemplateVersion {
  return {
    ...TemplateVersion.fromJSON({ variables: row.variables, variants: row.variants }),
    name: `templates/${row.templateId}@${row.version}`,
    version: row.version,
    createdBy: row.createdBy,
    createTime: row.versionTime,
  };
}

/** The template of rows that hold its newest version. */
export function toTemplate(row: TemplateRow): Template {
  return {
    name: `templates/${row.templateId}`,
    title: row.title,
    organisationPath: row.organisationPath,
    latestVersion: toTemplateVersion(row),
    createTime: row.createTime,
  };
}

/** The id and the version in `templates/{id}@{version}`; no version in `templates/{id}`. */
export function templateNameOf(name: string): { id: string; version: number | undefined } {
  const [id = '', version] = name.slice('templates/'.length).split('@');
  return { id, version: version === undefined ? undefined : Number(version) };
}

/** The template of a name with the version named, or the newest, if the caller may see it. */
export function findTemplate(db: Queryable, scope: Scope, name: string): Promise<TemplateRow | undefined> {
  return one(db, name, sharedFilter(scope));
}

/** The same, if it may be used at the organisation path. */
export function findTemplateAt(
  db: Queryable,
  organisationPath: string,
  name: string,
): Promise<TemplateRow | undefined> {
  return one(db, name, above(organisationPath));
}

/** A version by its parts, for the service's own work. */
export async function loadVersion(
  db: Queryable,
  id: string,
  version: number,
): Promise<{ variables: TemplateVariable[]; variants: TemplateVariant[] } | undefined> {
  const row = await one(db, `templates/${id}@${version}`, sql`TRUE`);
  return row && toTemplateVersion(row);
}

function one(db: Queryable, name: string, condition: Sql): Promise<TemplateRow | undefined> {
  const { id, version } = templateNameOf(name);
  return db.maybe<TemplateRow>(sql`
    SELECT ${templateColumns} FROM template JOIN template_version USING (template_id)
    WHERE template_id = ${id} AND version = coalesce(${version ?? null}::integer, latest_version) AND ${condition}`);
}

/** The texts and variables of a version as they are stored. */
export function storedVersion(version: TemplateVersion): { variables: object[]; variants: object[] } {
  const json = TemplateVersion.toJSON(version) as { variables?: object[]; variants?: object[] };
  return { variables: json.variables ?? [], variants: json.variants ?? [] };
}

function typed(variable: TemplateVariable, text: string): string | number | boolean | undefined {
  switch (variable.type) {
    case VariableType.VARIABLE_TYPE_NUMBER:
      return /^[+-]?(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : undefined;
    case VariableType.VARIABLE_TYPE_BOOL:
      return text === 'true' ? true : text === 'false' ? false : undefined;
    case VariableType.VARIABLE_TYPE_DATE: {
      const day = new Date(`${text}T00:00:00Z`);
      const sound = /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(day.getTime());
      return sound && day.toISOString().startsWith(text) ? text : undefined;
    }
    default:
      return text;
  }
}

/**
 * Reads the values that a campaign gives its template. Throws VARIABLE_UNDECLARED for one that the template does not
 * declare, VALUE_INVALID for one of another type, VALUE_MISSING where a required one has none.
 */
export function readValues(
  variables: readonly TemplateVariable[],
  texts: Readonly<Record<string, string>>,
  field: string,
): Values {
  const known = new Map(variables.map((variable) => [variable.key, variable]));
  const values: Record<string, string | number | boolean | null> = {};
  for (const [key, text] of Object.entries(texts)) {
    const variable = known.get(key);
    if (!variable) {
      throw fail('VARIABLE_UNDECLARED', {
        violations: [{ field: `${field}[${key}]`, description: 'is not declared' }],
      });
    }
    const value = typed(variable, text);
    if (value === undefined) {
      throw fail('VALUE_INVALID', {
        violations: [{ field: `${field}[${key}]`, description: `is no ${VariableType[variable.type] ?? 'value'}` }],
      });
    }
    values[key] = value;
  }
  for (const { key, required } of variables) {
    if (Object.hasOwn(values, key)) continue;
    if (required) {
      throw fail('VALUE_MISSING', { violations: [{ field: `${field}[${key}]`, description: 'is required' }] });
    }
    values[key] = null;
  }
  return values;
}

/** Whether a name is one that every text may use without declaring it. */
export function isGiven(name: string): boolean {
  return givenNames.has(name);
}

/** Makes the message in the language that fits best. Throws TEMPLATE_FAILED. */
export function renderMessage(variants: readonly TemplateVariant[], language: string, values: Values): Rendered {
  const variant = chooseVariant(variants, language);
  if (!variant) throw fail('TEMPLATE_FAILED');
  return renderVariant(variant, values);
}
