import type { Command } from 'commander';
import type { Clients } from '../clients.js';
import type { Suite } from '../suite.js';
import { listSchemes, profileScheme, showScheme } from './scheme-show.js';
import {
  approveScheme,
  checkScheme,
  createScheme,
  listRuns,
  publishScheme,
  rejectScheme,
  retireScheme,
  runScheme,
  versionScheme,
} from './scheme-work.js';

type WithClients = (fn: (clients: Clients, at: Suite) => Promise<void>) => Promise<void>;

const JSON_FLAG = ['--json', 'print one JSON object'] as const;
const BANK = ['--bank <id>', 'which bank (the one of the last story)'] as const;
const AS = ['--as <employee>', 'in the name of this employee, with the roles that the organisation knows'] as const;
const FILE = [
  '-f, --file <yaml>',
  'the plan: YAML or JSON that begins with bands, rules, tiers, rfm, clusters or lookalike',
] as const;
const PATH = ['--path <path>', 'where in the bank it belongs (the whole bank)'] as const;

/** The commands under `rapport scheme`. */
export function schemeCommands(program: Command, withClients: WithClients): void {
  const schemes = program
    .command('scheme')
    .description('ways to divide customers: partitions, value tiers, RFM, clusters and look-alikes');
  schemes
    .command('list')
    .description('the schemes of a bank')
    .option('--kind <kind>', 'only partition, tiers, rfm, clusters or lookalike')
    .option(...BANK)
    .option(...JSON_FLAG)
    .action((flags) => withClients((clients, at) => listSchemes(at, clients, flags)));
  schemes
    .command('show')
    .description('a scheme with the groups of the version in use, else of the newest')
    .argument('<scheme>', 'schemes/{id} or the id, with @{version} for one version')
    .option(...JSON_FLAG)
    .action((scheme, flags) => withClients((clients) => showScheme(clients, scheme, flags)));
  schemes
    .command('check')
    .description('whether a plan is sound, and how many customers each group would have; exits 1 when it is not')
    .requiredOption(...FILE)
    .option('--as-of <day>', 'at the end of this day (today)')
    .option(...PATH)
    .option(...BANK)
    .option(...JSON_FLAG)
    .action((flags) => withClients((clients, at) => checkScheme(at, clients, flags)));
  schemes
    .command('create')
    .description('make a scheme; its version 1 is a draft')
    .argument('<id>', 'up to 29 lower-case letters, digits and hyphens')
    .requiredOption(...FILE)
    .option('--title <text>', 'what people call it (the id)')
    .option(...PATH)
    .option(...BANK)
    .option(...AS)
    .option(...JSON_FLAG)
    .action((id, flags) => withClients((clients, at) => createScheme(at, clients, id, flags)));
  schemes
    .command('version')
    .description('add the next version as a draft')
    .argument('<scheme>', 'schemes/{id} or the id')
    .requiredOption(...FILE)
    .option(...AS)
    .option(...JSON_FLAG)
    .action((scheme, flags) => withClients((clients) => versionScheme(clients, scheme, flags)));
  const step = (name: string, description: string) =>
    schemes
      .command(name)
      .description(description)
      .argument('<version>', 'schemes/{id}@{version}, or the id with its version')
      .option(...AS)
      .option(...JSON_FLAG);
  step('run', 'fit the model of a draft, or assign the customers of a version in use; shows how far it is')
    .option(
      '--as-of <day>',
      'fill in the history of this day, before the first use; with --dry-run any day up to today',
    )
    .option('--dry-run', 'say how large the groups would be and who would move, and change nothing')
    .option('--sample <n>', 'of a dry run: how many of those who would move to name (10)')
    .action((version, flags) => withClients((clients) => runScheme(clients, version, flags)));
  step('approve', 'let a draft pass; whoever wrote it cannot').action((version, flags) =>
    withClients((clients) => approveScheme(clients, version, flags)),
  );
  step('reject', 'send a version back to its author')
    .requiredOption('--reason <text>', 'what is to be done better')
    .action((version, flags) => withClients((clients) => rejectScheme(clients, version, flags)));
  step('publish', 'put an approved version into use with the segments of its groups; shows how far it is').action(
    (version, flags) => withClients((clients) => publishScheme(clients, version, flags)),
  );
  step('retire', 'take the version in use out of use with the segments of its groups').action((version, flags) =>
    withClients((clients) => retireScheme(clients, version, flags)),
  );
  schemes
    .command('profile')
    .description('what was computed: profiles of clusters, fifths of RFM, what tells a seed from others')
    .argument('<scheme>', 'schemes/{id} or the id, with @{version} for one version')
    .option(...JSON_FLAG)
    .action((scheme, flags) => withClients((clients) => profileScheme(clients, scheme, flags)));
  schemes
    .command('runs')
    .description('the work on a scheme, the newest first')
    .argument('<scheme>', 'schemes/{id} or the id')
    .option(...JSON_FLAG)
    .action((scheme, flags) => withClients((clients) => listRuns(clients, scheme, flags)));
}
