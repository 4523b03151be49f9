import type { Command } from 'commander';
import type { Clients } from '../clients.js';
import type { Suite } from '../suite.js';
import { changesCommand, compareCommand, explainCommand, flowsCommand, historyCommand } from './segment-insight.js';
import {
  approveSegment,
  createSegment,
  listSegments,
  publishSegment,
  rejectSegment,
  retireSegment,
  showSegment,
  versionSegment,
} from './segment-lifecycle.js';
import { segmentPreview } from './segment-preview.js';
import { fromTemplate, listTemplates } from './segment-template.js';

type WithClients = (fn: (clients: Clients, at: Suite) => Promise<void>) => Promise<void>;

const JSON_FLAG = ['--json', 'print one JSON object'] as const;
const BANK = ['--bank <id>', 'which bank (the one of the last story)'] as const;
const DAY = ['--as-of <day>', 'at the end of this day (today)'] as const;
const AS = ['--as <employee>', 'in the name of this employee, with the roles that the organisation knows'] as const;
const SAMPLE = ['--sample <n>', 'how many parties to name (10)'] as const;

/** The commands under `rapport segment`. */
export function segmentCommands(program: Command, withClients: WithClients): void {
  const segments = program.command('segment').description('groups of customers: their rules, versions and members');
  segments
    .command('list')
    .description('the segments of a bank')
    .option('--state <state>', 'only those whose newest version is draft, approved, published or retired')
    .option('--query <words>', 'only those with these words in their title or id')
    .option('--in-use', 'only those with a version in use')
    .option(...BANK)
    .option(...JSON_FLAG)
    .action((flags) => withClients((clients, at) => listSegments(at, clients, flags)));
  segments
    .command('show')
    .description('a segment with all of its versions: who wrote, approved, published and retired them')
    .argument('<segment>', 'segments/{id} or the id')
    .option(...JSON_FLAG)
    .action((segment, flags) => withClients((clients) => showSegment(clients, segment, flags)));
  segments
    .command('create')
    .description('make a segment; its version 1 is a draft')
    .argument('<id>', 'lower-case letters, digits and hyphens')
    .requiredOption('--rule <cel>', 'the rule, such as party.age >= 60')
    .option('--title <text>', 'what people call it (the id)')
    .option('--path <path>', 'where in the bank it belongs (the whole bank)')
    .option('--as-of <day>', 'the day it always looks at (the day of the evaluation)')
    .option(...BANK)
    .option(...AS)
    .option(...JSON_FLAG)
    .action((id, flags) => withClients((clients, at) => createSegment(at, clients, id, flags)));
  segments
    .command('version')
    .description('add the next version as a draft')
    .argument('<segment>', 'segments/{id} or the id')
    .requiredOption('--rule <cel>', 'its rule')
    .option('--as-of <day>', 'the day it always looks at (the day of the evaluation)')
    .option(...AS)
    .option(...JSON_FLAG)
    .action((segment, flags) => withClients((clients) => versionSegment(clients, segment, flags)));
  const step = (name: string, description: string) =>
    segments
      .command(name)
      .description(description)
      .argument('<version>', 'segments/{id}@{version}, or the id with its version')
      .option(...AS)
      .option(...JSON_FLAG);
  step('approve', 'let a draft pass; whoever wrote it cannot').action((version, flags) =>
    withClients((clients) => approveSegment(clients, version, flags)),
  );
  step('reject', 'send a version back to its author')
    .requiredOption('--reason <text>', 'what is to be done better')
    .action((version, flags) => withClients((clients) => rejectSegment(clients, version, flags)));
  step('publish', 'put an approved version into use').action((version, flags) =>
    withClients((clients) => publishSegment(clients, version, flags)),
  );
  step('retire', 'take a version out of use for good').action((version, flags) =>
    withClients((clients) => retireSegment(clients, version, flags)),
  );
  segments
    .command('preview')
    .description('count the parties that a rule matches')
    .requiredOption('--rule <cel>', 'the rule, such as party.age >= 60')
    .option(...DAY)
    .option(...BANK)
    .option(...SAMPLE)
    .option('--parts', 'count each part of the rule as well (always where it matches nobody)')
    .option(...JSON_FLAG)
    .action((flags) => withClients((clients, at) => segmentPreview(at, clients, flags)));
  segments
    .command('changes')
    .description('a dry run: who would have come and left between two days')
    .requiredOption('--rule <cel>', 'the rule')
    .requiredOption('--from <day>', 'the first day')
    .requiredOption('--to <day>', 'the last day')
    .option('--weeks', 'week by week instead of day by day')
    .option(...BANK)
    .option(...SAMPLE)
    .option(...JSON_FLAG)
    .action((flags) => withClients((clients, at) => changesCommand(at, clients, flags)));
  segments
    .command('explain')
    .description('why a party is in a segment or not, part by part with its own values')
    .argument('<party>', 'parties/{id}, an id, or a key of the source such as client/1')
    .argument('<segment>', 'segments/{id} or the id, with @{version} for one version')
    .option(...DAY)
    .option(...BANK)
    .option(...AS)
    .option(...JSON_FLAG)
    .action((party, segment, flags) =>
      withClients((clients, at) => explainCommand(at, clients, party, segment, flags)),
    );
  segments
    .command('compare')
    .description('how two versions differ, in rule and in members')
    .argument('<base>', 'the version that is compared with')
    .argument('<version>', 'the version that is compared')
    .option(...DAY)
    .option(...SAMPLE)
    .option(...JSON_FLAG)
    .action((base, version, flags) => withClients((clients) => compareCommand(clients, base, version, flags)));
  segments
    .command('history')
    .description('how many members a segment had day by day, and why they came and left')
    .argument('<segment>', 'segments/{id} or the id, with @{version} for one version')
    .option('--from <day>', 'the first day (90 days before the last)')
    .option('--to <day>', 'the last day (today)')
    .option(...JSON_FLAG)
    .action((segment, flags) => withClients((clients) => historyCommand(clients, segment, flags)));
  segments
    .command('flows')
    .description('how many parties went from which segment to which')
    .argument('<segments...>', 'the segments, in the order in which they are told apart')
    .requiredOption('--from <day>', 'from the end of this day')
    .option('--to <day>', 'to the end of this day (now)')
    .option(...JSON_FLAG)
    .action((names, flags) => withClients((clients) => flowsCommand(clients, names, flags)));
  segments
    .command('templates')
    .description('families of segments that are ready to be used')
    .option(...JSON_FLAG)
    .action((flags) => withClients((clients) => listTemplates(clients, flags)));
  segments
    .command('from-template')
    .description('make a scheme of segments from a template; it is a draft')
    .argument('<template>', 'such as age-bands')
    .argument('<scheme>', 'the id of the scheme')
    .option('--set <key=value...>', 'a parameter; texts are separated by commas')
    .option('--title <text>', 'what people call it (the title of the template)')
    .option('--path <path>', 'where in the bank it belongs (the whole bank)')
    .option(...BANK)
    .option(...AS)
    .option(...JSON_FLAG)
    .action((template, scheme, flags) =>
      withClients((clients, at) => fromTemplate(at, clients, template, scheme, flags)),
    );
}
