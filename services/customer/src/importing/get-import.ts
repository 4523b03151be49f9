import type { Call } from '@rapport/kit/rpc';
import type { GetImportRequest, GetImportResponse } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { findImport } from './find.js';
import { importMessage } from './importing.js';

/** Gives one import; its counts are nobody's personal data. */
export async function getImport(deps: Deps, request: GetImportRequest, call: Call): Promise<GetImportResponse> {
  return { import: importMessage(await findImport(deps.db.scoped(call.scope), request.name, call.scope)) };
}
