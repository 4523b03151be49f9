export {
  type AuditCaller,
  type AuditEntry,
  audit,
  systemCaller,
} from './audit.js';
export { auditReads, type ReadRecorder } from './audit-reads.js';
export { blindIndex, normalise } from './blind-index.js';
export {
  type AuditVerdict,
  auditVerifier,
  type BrokenRecord,
  readPublicKeys,
  readSigningKey,
  type SignedRoot,
  type SigningKey,
  sealAudit,
  signRoot,
  startSealer,
  verifyAudit,
} from './chain.js';
export {
  type FieldCipher,
  type Fields,
  fieldCipher,
  type PartyKey,
  type RowIdentity,
  SealError,
} from './field-cipher.js';
export { newKeyRing, rotateKeyRing } from './keys.js';
export { rewrapKeyRing, rotateWrappedKeyRing, sealKeyRing, vaultKeyRing, type VaultOptions } from './vault.js';
