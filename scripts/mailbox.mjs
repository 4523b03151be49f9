// The local mailbox: a real SMTP server that keeps every mail as a file, and a small HTTP listing of them.
//
//   node scripts/mailbox.mjs <folder> <smtp port> <http port>
//
// A mail is kept under the hash of its Message-ID. One whose Message-ID was seen before replaces nothing and is counted
// as a duplicate, as a receiver would notice it. The answer to the sender comes after the file is complete.
//   GET /count?campaign=            {"messages":N,"duplicates":N}; of one campaign by its X-Rapport-Campaign header
//   GET /messages?to=&limit=        [{"id","message_id","from","to","subject","date","size"}], newest first
//   GET /messages/<id>              the mail as it came (message/rfc822)
import { createHash, randomUUID } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';
import { SMTPServer } from 'smtp-server';

const MAX_BYTES = 25 * 1024 * 1024;
const [folder, smtpPort, httpPort] = process.argv.slice(2);
if (!folder || !smtpPort || !httpPort) {
  console.error('usage: mailbox.mjs <folder> <smtp port> <http port>');
  process.exit(2);
}
mkdirSync(folder, { recursive: true, mode: 0o700 });
const duplicatesFile = path.join(folder, 'duplicates.log');

/** Decodes RFC 2047 words, so that a listing shows `Ž` and not `=?utf-8?...`. */
function decodeWords(text) {
  return text
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(/=\?([\w-]+)\?([BQ])\?([^?]*)\?=/gi, (_all, charset, kind, body) => {
      const hex = body
        .replaceAll('_', ' ')
        .replace(/=([0-9A-F]{2})/gi, (_match, code) => String.fromCharCode(Number.parseInt(code, 16)));
      const bytes = kind.toUpperCase() === 'B' ? Buffer.from(body, 'base64') : Buffer.from(hex, 'latin1');
      return new TextDecoder(charset).decode(bytes);
    });
}

/** What the listing shows of a mail. */
function describe(raw, recipients) {
  const text = raw.subarray(0, 65_536).toString('utf8');
  const head = text.slice(0, text.search(/\r?\n\r?\n/) + 1 || undefined).replace(/\r?\n[ \t]+/g, ' ');
  const header = (name) => decodeWords(new RegExp(`^${name}:[ \\t]*(.*)$`, 'im').exec(head)?.[1]?.trim() ?? '');
  const messageId = header('Message-ID');
  return {
    id: createHash('sha256')
      .update(messageId || raw)
      .digest('hex')
      .slice(0, 32),
    message_id: messageId,
    from: header('From'),
    to: recipients ?? [header('To')],
    subject: header('Subject'),
    date: header('Date'),
    campaign: header('X-Rapport-Campaign'),
    size: raw.length,
  };
}

const mails = readdirSync(folder)
  .filter((file) => file.endsWith('.eml'))
  .map((file) => ({ file: path.join(folder, file), at: statSync(path.join(folder, file)).mtimeMs }))
  .sort((a, b) => a.at - b.at)
  .map(({ file }) => describe(readFileSync(file)));
let duplicates = existsSync(duplicatesFile)
  ? readFileSync(duplicatesFile, 'utf8').split('\n').filter(Boolean).length
  : 0;

function keep(raw, recipients) {
  const mail = describe(raw, recipients);
  const incoming = path.join(folder, `${randomUUID()}.part`);
  writeFileSync(incoming, raw, { mode: 0o600, flush: true });
  try {
    linkSync(incoming, path.join(folder, `${mail.id}.eml`)); // refuses to replace what is there
    mails.push(mail);
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    appendFileSync(duplicatesFile, `${mail.id}\n`);
    duplicates += 1;
  } finally {
    rmSync(incoming);
  }
}

const smtp = new SMTPServer({
  disabledCommands: ['AUTH', 'STARTTLS'],
  disableReverseLookup: true,
  size: MAX_BYTES,
  logger: false,
  onData(stream, session, done) {
    const chunks = [];
    stream.on('data', (chunk) => chunks.push(chunk));
    stream.on('end', () => {
      if (stream.sizeExceeded) return done(Object.assign(new Error('the mail is too large'), { responseCode: 552 }));
      try {
        keep(
          Buffer.concat(chunks),
          session.envelope.rcptTo.map(({ address }) => address),
        );
        return done();
      } catch (error) {
        return done(Object.assign(new Error(`the mail cannot be kept: ${error.code}`), { responseCode: 451 }));
      }
    });
  },
});
smtp.on('error', (error) => console.error(`smtp: ${error.message}`));

const http = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://mailbox');
  const answer = (status, type, body) => response.writeHead(status, { 'content-type': type }).end(body);
  const json = (value) => answer(200, 'application/json', JSON.stringify(value));
  if (request.method !== 'GET') return answer(405, 'text/plain', 'GET only\n');
  if (pathname === '/count') {
    const campaign = searchParams.get('campaign');
    const chosen = campaign ? mails.filter((mail) => mail.campaign === campaign) : mails;
    return json({ messages: chosen.length, duplicates });
  }
  if (pathname === '/messages') {
    const to = searchParams.get('to')?.toLowerCase();
    const limit = Math.min(Math.max(Number(searchParams.get('limit')) || 100, 1), 10_000);
    const chosen = mails.filter((mail) => !to || mail.to.some((address) => address.toLowerCase().includes(to)));
    return json(chosen.slice(-limit).reverse());
  }
  const id = /^\/messages\/([0-9a-f]{32})$/.exec(pathname)?.[1];
  const file = id && path.join(folder, `${id}.eml`);
  if (file && existsSync(file)) return answer(200, 'message/rfc822', readFileSync(file));
  return answer(404, 'text/plain', 'no such mail\n');
});

http.listen(Number(httpPort), '127.0.0.1');
smtp.listen(Number(smtpPort), '127.0.0.1');
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, () => {
    http.close();
    http.closeAllConnections();
    smtp.close(() => process.exit(0));
    setTimeout(() => process.exit(0), 1000).unref();
  });
}
