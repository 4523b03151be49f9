import { nameOf, Problem } from './client.js';

export interface ExportedFile {
  file: string;
  /** `services/{service}`. */
  service: string;
  rows: string;
  bytes: string;
  /** 64 hexadecimal digits. */
  sha256: string;
}

/** Everything that all services keep about a person: the files, and what vouches for their being complete. */
export interface PersonalData {
  files: { listed: ExportedFile; content: Uint8Array<ArrayBuffer> }[];
  manifest: { files: ExportedFile[]; parties: string[]; services: string[]; time: string };
}

interface Part {
  chunk?: { file: string; data: string };
  manifest?: PersonalData['manifest'];
}

const incomplete = () => new Problem(503, 'EXPORT_INCOMPLETE', '');

function joined(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

async function digestOf(content: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', content));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Puts the lines of an export together. Throws Problem when something is missing or is not what was sent. */
export async function assembleExport(text: string): Promise<PersonalData> {
  const chunks = new Map<string, Uint8Array[]>();
  let manifest: PersonalData['manifest'] | undefined;
  for (const line of text.split('\n').filter(Boolean)) {
    const part = JSON.parse(line) as Part;
    if (part.manifest) manifest = part.manifest;
    if (!part.chunk) continue;
    const bytes = Uint8Array.from(atob(part.chunk.data), (letter) => letter.charCodeAt(0));
    chunks.set(part.chunk.file, [...(chunks.get(part.chunk.file) ?? []), bytes]);
  }
  if (!manifest) throw incomplete();
  const files = manifest.files.map((listed) => ({ listed, content: joined(chunks.get(listed.file) ?? []) }));
  for (const { listed, content } of files) {
    if (content.length !== Number(listed.bytes)) throw incomplete();
    // A page served by plain http has no digests; the transfer then only counts the bytes.
    if (globalThis.crypto.subtle && (await digestOf(content)) !== listed.sha256) throw incomplete();
  }
  return { files, manifest };
}

/** Gathers everything about the person of a request for access or portability; takes as long as the slowest service. */
export async function exportRequest(id: string, format: 'JSON' | 'CSV'): Promise<PersonalData> {
  const path = `/api/v1/${nameOf('dataSubjectRequests', id)}:export?format=EXPORT_FORMAT_${format}`;
  const response = await fetch(path).catch(() => {
    throw new Problem(0, 'OFFLINE', '');
  });
  if (!response.ok) {
    const { reason = '', detail = '' } = (await response.json().catch(() => ({}))) as {
      reason?: string;
      detail?: string;
    };
    throw new Problem(response.status, reason, detail);
  }
  // A stream that breaks off has no manifest at its end.
  const text = await response.text().catch(() => '');
  return assembleExport(text);
}
