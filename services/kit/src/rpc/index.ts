export type { Call, DataClass, Principal, Relation, ServerCall } from './call.js';
export { relations } from './call.js';
export { callerName, scopeFor } from './access.js';
export {
  defineFailures,
  Failure,
  type FailureDetail,
  type FailureTable,
  type Kind,
  type Violation,
} from './failure.js';
export { decodeFailure, encodeFailure } from './status.js';
export {
  type DefinitionShape,
  type Handler,
  type Handlers,
  type MethodShape,
  methodName,
  type RequestOf,
  type ResponseOf,
  type Route,
  route,
} from './route.js';
export type { Auth } from './authenticate.js';
export type { Tls } from './tls.js';
export { type ServerOptions, startServer } from './server.js';
export { type Policies, loadPolicies, uncoveredRpcs } from './policy.js';
export { client, type ClientOf, type ClientOptions, type Outgoing, type OutgoingOptions } from './client.js';
export { type Identity, serviceIdentity, type Signer, signer, signingIdentity, type TokenClaims } from './identity.js';
export { type Codec, idempotent } from './idempotent.js';
export { decodePage, encodePage, type PageKind, pageSize } from './page.js';
export { applyMask, checkEtag, etag } from './mask.js';
export { requestValidator, type Validate } from './validate.js';
