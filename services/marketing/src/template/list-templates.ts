import { sql } from '@rapport/kit/db';
import { type Call, decodePage, pageSize } from '@rapport/kit/rpc';
import type { ListTemplatesRequest, ListTemplatesResponse } from '@rapport/proto/marketing/v1';
import { pageOf, sharedFilter, underPath } from '../access/access.js';
import type { Deps } from '../deps.js';
import { type TemplateRow, templateColumns, toTemplate } from './template.js';

export async function listTemplates(
  { db }: Deps,
  request: ListTemplatesRequest,
  call: Call,
): Promise<ListTemplatesResponse> {
  const [after = ''] = decodePage(call, request, 'string') ?? [];
  const rows = await db.system.rows<TemplateRow>(sql`
    SELECT ${templateColumns} FROM template JOIN template_version USING (template_id)
    WHERE template_id > ${after} AND version = latest_version AND ${sharedFilter(call.scope)}
      AND ${underPath(request.organisationPath)}
    ORDER BY template_id LIMIT ${pageSize(request) + 1}`);
  const { page, nextPageToken } = pageOf(call, request, rows, (row) => row.templateId);
  return { templates: page.map(toTemplate), nextPageToken };
}
