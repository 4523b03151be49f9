import { readFileSync } from 'node:fs';
import { ChannelCredentials, credentials, experimental, ServerCredentials } from '@grpc/grpc-js';

/** The files of mutual TLS in PEM; they are read again when they change, so that rotated certificates need no restart. */
export interface Tls {
  certificateFile: string;
  keyFile: string;
  caFile: string;
  /** How often the files are looked at, in milliseconds; 30,000 by default. */
  reloadMs?: number;
}

function watch(tls: Tls): experimental.FileWatcherCertificateProvider {
  // Read once here: a path that is wrong should fail at start, not as a handshake that hangs later.
  for (const file of [tls.certificateFile, tls.keyFile, tls.caFile]) readFileSync(file);
  return new experimental.FileWatcherCertificateProvider({
    certificateFile: tls.certificateFile,
    privateKeyFile: tls.keyFile,
    caCertificateFile: tls.caFile,
    refreshIntervalMs: tls.reloadMs ?? 30_000,
  });
}

/** Credentials of a server: plain text without `tls`, else client certificates are demanded. */
export function serverCredentials(tls: Tls | undefined): ServerCredentials {
  if (!tls) return ServerCredentials.createInsecure();
  const provider = watch(tls);
  return experimental.createCertificateProviderServerCredentials(provider, provider, true);
}

/** Credentials of a channel: plain text without `tls`, else the client shows its certificate. */
export function channelCredentials(tls: Tls | undefined): ChannelCredentials {
  if (!tls) return credentials.createInsecure();
  const provider = watch(tls);
  return experimental.createCertificateProviderChannelCredentials(provider, provider);
}
