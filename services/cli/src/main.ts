import { Command } from 'commander';
import { Failure } from '@rapport/kit/rpc';
import { createLogger } from '@rapport/kit/runtime';
import { type Clients, openClients } from './clients.js';
import { verifyAudit } from './commands/audit-verify.js';
import { listDeadLetters, redriveDeadLetters } from './commands/dead-letters.js';
import { eventsLag } from './commands/events-lag.js';
import { importCommands } from './commands/import.js';
import { keysStatus, rotateKeys } from './commands/keys.js';
import { liftErasedKey } from './commands/lift-erased-key.js';
import { listCommands } from './commands/list.js';
import { match } from './commands/match.js';
import { replayErasures } from './commands/replay-erasures.js';
import { schemeCommands } from './commands/scheme.js';
import { searchParties } from './commands/search-parties.js';
import { segmentCommands } from './commands/segment.js';
import { storyCommand } from './commands/story.js';
import { view } from './commands/view.js';
import { readEnvironment } from './config.js';
import { findSuite, OperatorError, type Suite } from './suite.js';

// Logs go to standard output, which belongs to the result; what fails is said on standard error.
createLogger({ service: 'cli', level: 'silent' });

const suite = (): Suite => findSuite(readEnvironment(), process.cwd());

async function withClients(fn: (clients: Clients, at: Suite) => Promise<void>): Promise<void> {
  const at = suite();
  const clients = openClients(at, false);
  try {
    await fn(clients, at);
  } finally {
    clients.close();
  }
}

const program = new Command('rapport').description('The operator command line of Rapport').showHelpAfterError();

program
  .command('story')
  .description('import a bank and walk it from import to report; without a folder, a generated bank')
  .argument('[folder]', 'folder with the .asc files of the Berka bank')
  .option('--parties <n>', 'size of the generated bank (300)')
  .option('--bank <id>', 'first segment of the organisation path (berka, or demo when generated)')
  .option('--complaints <file>', 'complaints file (../complaints/cfpb-full.csv beside the folder)')
  .option('--cases <n>', 'how many complaints become cases (1000; 40 when generated)')
  .option('--out <folder>', 'where the report goes (rapport-report)')
  .option('--json', 'print one JSON object')
  .action((folder, flags) => storyCommand(suite(), folder, flags));

segmentCommands(program, withClients);
listCommands(program, withClients);
schemeCommands(program, withClients);

program
  .command('view')
  .description('the whole view of one customer')
  .argument('<party>', 'parties/{id}, an id, or a key of the source such as client/1')
  .option('--bank <id>', 'whose source key it is (the bank of the last story)')
  .option('--json', 'print one JSON object')
  .action((party, flags) => withClients((clients, at) => view(at, clients, party, flags)));

program
  .command('party')
  .description('parties')
  .command('search')
  .description('find parties by name, e-mail or phone')
  .argument('<text>')
  .option('--json', 'print JSON')
  .action((text, flags) => withClients((clients) => searchParties(clients, text, flags)));

importCommands(program, withClients);

program
  .command('audit')
  .description('the record of who read and wrote what')
  .command('verify')
  .description('walk the hash chains and signed roots; names the first broken record and exits 1 when there is one')
  .option('--service <name>', 'of one service only')
  .option('--from <position>', 'from this record of the chain on, and the signed root before it; needs --service')
  .option('--json', 'print JSON')
  .action((flags) => withClients((clients) => verifyAudit(clients, flags)));

const keys = program.command('keys').description('the keys that wrap the keys of parties');
keys
  .command('rotate')
  .description('wrap every party key with the current key of the key-encryption-key file, and follow it')
  .option('--file <path>', 'first add a new current key to this key-encryption-key file')
  .option('--id <id>', 'the name of that key (day and minute)')
  .option('--json', 'print one JSON object')
  .action((flags) => withClients((clients) => rotateKeys(clients, flags)));
keys
  .command('status')
  .description('how far the last rotation is, and until when old keys must be kept')
  .option('--json', 'print one JSON object')
  .action((flags) => withClients((clients) => keysStatus(clients, flags)));

const privacy = program.command('privacy').description('what the bank owes the people whose data it keeps');
privacy
  .command('lift-erased-key')
  .description('let a source bring a key in again whose party was erased')
  .argument('<key>', 'the key as the source writes it, such as client/1')
  .requiredOption('--source <name>', 'the source, such as core')
  .requiredOption('--reason <text>', 'why; it stays in the audit')
  .requiredOption('--as <employee>', 'the data steward who decides it')
  .option('--json', 'print one JSON object')
  .action((key, flags) => withClients((clients) => liftErasedKey(clients, key, flags)));
privacy
  .command('replay-erasures')
  .description('after a restore from a backup: erase again whom the bank had erased since')
  .requiredOption('--since <time>', 'when the backup was taken, or earlier, such as 2026-03-01T02:00Z')
  .option('--service <name>', 'in one service only, the one that was restored')
  .option('--json', 'print JSON')
  .action((flags) => withClients((clients) => replayErasures(clients, flags)));

program
  .command('match')
  .description('find the rows of a file of people, or of two, that are one party; imports nothing')
  .argument('<files...>', 'one CSV file, or two whose rows are compared with each other')
  .requiredOption('--mapping <yaml>', 'which columns mean what')
  .option('--out <csv>', 'where the clusters go')
  .option('--json', 'print one JSON object')
  .action((files: string[], flags) => {
    if (files.length > 2) throw new OperatorError('one file or two');
    return withClients((clients) => match(clients, files, flags));
  });

const letters = program.command('deadletter').description('events that no consumer could take');
letters
  .command('list')
  .option('--service <name>', 'of one service only')
  .option('--consumer <name>', 'of one consumer only')
  .option('--json', 'print JSON')
  .action((flags) => withClients((clients) => listDeadLetters(clients, flags)));
letters
  .command('redrive')
  .argument('[names...]', 'dead letters; all of them when none is named')
  .option('--service <name>', 'of one service only')
  .option('--consumer <name>', 'of one consumer only')
  .option('--json', 'print JSON')
  .action((names, flags) => withClients((clients) => redriveDeadLetters(clients, names, flags)));

program
  .command('events')
  .description('events on their way')
  .command('lag')
  .option('--json', 'print JSON')
  .action((flags) => withClients((clients) => eventsLag(clients, flags)));

function explain(error: unknown): string {
  if (error instanceof OperatorError) return error.message;
  if (!(error instanceof Failure)) return error instanceof Error ? (error.stack ?? error.message) : String(error);
  if (error.kind === 'unavailable')
    return `A service does not answer (${error.message}). Is the suite running? ./scripts/up`;
  const fields = error.violations.map((one) => `  ${one.field}: ${one.description}`);
  return [`${error.message} (${error.reason})`, ...fields].join('\n');
}

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`${explain(error)}\n`);
  process.exitCode = 1;
});
