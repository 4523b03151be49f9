import { audit } from '@rapport/kit/crypto';
import { everything, type Tx } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import { type RotateKeysRequest, RotateKeysResponse } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { beginRotation, currentKey, rotationMessage } from './key-rotation.js';

/** Begins to wrap every party key with the key that is current in the file; `startRewrapping` does it. */
export async function rotateKeys(deps: Deps, request: RotateKeysRequest, call: Call): Promise<RotateKeysResponse> {
  const rotate = async (tx: Tx): Promise<RotateKeysResponse> => {
    const keyId = currentKey(deps.cipher);
    if (request.keyId !== '' && request.keyId !== keyId)
      throw fail('KEY_NOT_CURRENT', { metadata: { current: keyId } });
    const { rotation, begun } = await beginRotation(tx, keyId, call.principal.subject);
    if (!begun && rotation.completeTime) throw fail('KEY_NOT_NEW', { metadata: { current: keyId } });
    await audit(tx, call, { resource: 'keyEncryptionKeys', change: { key: keyId, begun } });
    return { keyRotation: rotationMessage(rotation) };
  };
  return idempotent(deps.db.plain, call, request, RotateKeysResponse, rotate, { scope: everything });
}
