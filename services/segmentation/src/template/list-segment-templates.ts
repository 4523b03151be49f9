import { type Call, decodePage, encodePage, pageSize } from '@rapport/kit/rpc';
import type { ListSegmentTemplatesRequest, ListSegmentTemplatesResponse } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { templateMessage, templates } from './template.js';

/** Gives the templates in the order in which they are offered. */
export async function listSegmentTemplates(
  _deps: Deps,
  request: ListSegmentTemplatesRequest,
  call: Call,
): Promise<ListSegmentTemplatesResponse> {
  const size = pageSize(request);
  const [start] = decodePage(call, request, 'number') ?? [0];
  const end = start + size;
  return {
    templates: templates.slice(start, end).map(templateMessage),
    nextPageToken: end < templates.length ? encodePage(call, request, [end]) : '',
  };
}
