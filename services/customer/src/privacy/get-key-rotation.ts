import type { Call } from '@rapport/kit/rpc';
import type { GetKeyRotationRequest, GetKeyRotationResponse } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { lastRotation, rotationMessage } from './key-rotation.js';

/** Gives how far the last rotation is. It tells of keys by their ids and of nobody's data. */
export async function getKeyRotation(
  deps: Deps,
  _request: GetKeyRotationRequest,
  _call: Call,
): Promise<GetKeyRotationResponse> {
  const row = await lastRotation(deps.db.unprotected);
  return { keyRotation: row && rotationMessage(row) };
}
