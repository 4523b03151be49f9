import type { Command } from 'commander';
import type { Clients } from '../clients.js';
import type { Suite } from '../suite.js';
import { importBerka } from './import-berka.js';
import { importCamt } from './import-camt.js';
import { importFineract, importFineractEvents } from './import-fineract.js';
import { checkMapping, importCsv } from './import-csv.js';
import { importCancel, importList, importRejects, importStatus } from './imports.js';

type WithClients = (fn: (clients: Clients, at: Suite) => Promise<void>) => Promise<void>;

/** What every way into the bank asks for. */
function way(parent: Command, name: string, description: string): Command {
  return parent
    .command(name)
    .description(description)
    .requiredOption('--source <name>', 'the system that the rows come from, such as core; keys are unique within it')
    .requiredOption('--path <path>', 'where in the bank the rows belong, such as /bank')
    .option('--import-id <uuid>', 'the id of the import (follows from the file and what is said of it)')
    .option('--resume', 'go on with an import that was cancelled')
    .option('--rejects <file>', 'write the rejected rows to this CSV file')
    .option('--json', 'print one JSON object');
}

/** The commands under `rapport import`. */
export function importCommands(program: Command, withClients: WithClients): void {
  const imports = program.command('import').description('bring data into the bank, and follow how it goes');
  way(imports, 'csv', 'a CSV file through a declared mapping')
    .argument('<file>', 'the file; - is standard input')
    .requiredOption('--mapping <yaml>', 'the mapping')
    .action((file, flags) => withClients((clients) => importCsv(clients, file, flags)));
  way(imports, 'camt053', 'bank statements, ISO 20022 camt.053: booked entries become transactions')
    .argument('<file>', 'the file; - is standard input')
    .option('--account-key <template>', 'the source key of a holding by the number of its account ({account})')
    .option('--accounts <csv>', 'columns account and key: which account is which holding, where no template says it')
    .option('--encoding <label>', 'where the file says none (utf-8)')
    .action((file, flags) => withClients((clients) => importCamt(clients, file, flags)));
  way(imports, 'fineract', 'clients, accounts, loans and transactions of an Apache Fineract, over its REST API')
    .requiredOption('--url <address>', 'base address of the API, https://…/fineract-provider/api/v1')
    .requiredOption('--user <name>', 'who asks')
    .requiredOption('--password-file <file>', 'a file with the password')
    .option('--tenant <id>', 'the tenant (default)')
    .action((flags) => withClients((clients) => importFineract(clients, flags)));
  way(imports, 'fineract-events', 'business events of an Apache Fineract that were written to files')
    .argument('<from>', 'a file or a folder: .json, .jsonl, .ndjson, or Avro, one message a file')
    .option('--schemas <folder>', 'the .avsc files of the Fineract that wrote them; needed for Avro')
    .action((from, flags) => withClients((clients) => importFineractEvents(clients, from, flags)));
  imports
    .command('berka')
    .description('the bank of the Berka files, without the rest of the story')
    .argument('<folder>', 'folder with the eight .asc files')
    .option('--json', 'print one JSON object')
    .action((folder, flags) => withClients((clients) => importBerka(clients, folder, flags)));
  imports
    .command('check-mapping')
    .description('say what is wrong with a mapping, with line and column')
    .argument('<mapping>', 'the mapping')
    .option('--file <csv>', 'a file that it must fit')
    .option('--json', 'print one JSON object')
    .action((mapping, flags) => checkMapping(mapping, flags));
  imports
    .command('status')
    .description('how far an import is')
    .argument('<import>', 'imports/{id}')
    .option('--json', 'print JSON')
    .action((name, flags) => withClients((clients) => importStatus(clients, name, flags)));
  imports
    .command('cancel')
    .description('stop an import that is coming in; what was taken stays')
    .argument('<import>', 'imports/{id}')
    .requiredOption('--reason <text>', 'why')
    .option('--json', 'print JSON')
    .action((name, flags) => withClients((clients) => importCancel(clients, name, flags)));
  imports
    .command('list')
    .description('the newest imports')
    .option('--source <name>', 'from this source only')
    .option('--path <path>', 'under this organisation path only')
    .option('--json', 'print JSON')
    .action((flags) => withClients((clients) => importList(clients, flags)));
  imports
    .command('rejects')
    .description('rows that an import did not take, with file, line, field, reason and original value')
    .argument('<import>', 'imports/{id}')
    .option('--csv', 'print CSV')
    .option('--out <file>', 'write a CSV file')
    .option('--json', 'print JSON')
    .action((name, flags) => withClients((clients) => importRejects(clients, name, flags)));
}
