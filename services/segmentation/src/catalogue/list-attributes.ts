import { type Call, decodePage, encodePage, pageSize } from '@rapport/kit/rpc';
import type { ListAttributesRequest, ListAttributesResponse } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { attributeMessage, attributes } from './catalogue.js';

/** Gives the attributes that rules may use, by key. */
export async function listAttributes(
  _deps: Deps,
  request: ListAttributesRequest,
  call: Call,
): Promise<ListAttributesResponse> {
  const size = pageSize(request);
  const [after] = decodePage(call, request, 'string') ?? [''];
  const rest = attributes().filter(({ key }) => key > after);
  const page = rest.slice(0, size);
  const last = page.at(-1);
  return {
    attributes: page.map(attributeMessage),
    nextPageToken: rest.length > size && last ? encodePage(call, request, [last.key]) : '',
  };
}
