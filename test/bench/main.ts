import { parseArgs } from 'node:util';
import { bankRows, openImporter } from './bank.js';
import { type Figure, reached, type Say } from './figure.js';
import { measureImportGrowth, openBanks } from './growth.js';
import { measureImport } from './imports.js';
import { MATCHED, matchFigures, measureMatching } from './matches.js';
import { measureRead } from './reads.js';
import { measureSearch, SEARCHED, searchFigures } from './search.js';
import { seedPeople } from './search-bank.js';
import { liveFigures, measureLiveSegments } from './segment-live.js';
import { measureSegments, segmentFigures } from './segments.js';
import { measureSuite } from './suite.js';
import { measureViewGrowth } from './view-growth.js';
import { startWorld } from './world.js';

const help = `npm run bench -- [--json] [--only <name>]…

Measures Rapport beside bare baselines: each figure is the median of several interleaved rounds of this run.
  get_party            GetParty of the customer service beside grpc-js with one prepared SELECT; with it
                       get_party_p99, the time of 99 of 100 calls at the same rate, half of the bare server's
  get_customer_view    GetCustomerView beside grpc-js with the same one statement; with it get_customer_view_p99
  import_transactions  an import with its checks and events beside COPY of the same rows
  search_parties_<kind>  a search among a million parties, its median, beside the bare statement (name, typo, pinyin, phone,
                       identifier, account; own, branch and region: names, asked by somebody who sees 333, 2000 or 20,000 of
                       the parties); BENCH_SEARCH_PARTIES makes the bank smaller
  match_batch          a run of the matcher over a bank, learning included; with it match_batch_cpu and match_batch_memory,
                       the seconds and the peaks of the service and of Postgres together
  match_live           FindMatches of one party against that bank, the median of whole calls; BENCH_MATCH_PARTIES says how
                       many parties the bank has (20000; a million takes some minutes to seed)
  import_growth        an import into a bank of a million parties beside one into a bank of ten thousand
  view_growth          GetCustomerView in the same two banks; with both import_growth_cpu and view_growth_cpu, what a row and
                       a view take of the processors, which other work on the machine changes little
  segments_pass_<n>    a pass of a new day over a hundred segments of a bank, its changes written, beside one statement by
                       hand that only counts the same; the ratio is one of speeds. segments_preview_<n>: a preview beside
                       its statement by hand. segments_growth: what a pass costs for each customer of the largest bank
                       beside the smallest. BENCH_SEGMENT_CUSTOMERS names the sizes (100000,1000000; 10000000 takes five
                       minutes to seed and 5 GB), BENCH_SEGMENT_FOLDER keeps what was seeded,
                       BENCH_SEGMENT_ROUNDS says how often (3)
  segments_memberships GetMemberships beside grpc-js with the same one statement; segments_live_p99: from an event to the
                       SegmentEntered that it causes, at 500 events a second with a hundred segments in use
  up_ready             scripts/up --detach, until it returns
  rss_<service>        resident memory of each service at rest
--only takes a name or its beginning (rss) and may be repeated. --json prints one array of figures; a goal is what the
ratio should reach, or, where there is no baseline, what the value may be.`;

const PARTIES = 1000;
const TRANSACTIONS = 20;
const figuresOfCustomer = ['get_party', 'get_customer_view', 'import_transactions'];
const figuresOfGrowth = ['import_growth', 'view_growth'];
const figuresOfSuite = [
  'up_ready',
  ...['customer', 'segmentation', 'marketing', 'cases', 'performance', 'reporting', 'gateway'].map(
    (name) => `rss_${name}`,
  ),
];

const print = (line: string): void => void process.stdout.write(`${line}\n`);

async function measureSearches(names: readonly string[], say: Say): Promise<Figure[]> {
  const world = await startWorld(say);
  try {
    say(`seeding ${SEARCHED} parties`);
    await seedPeople(world, SEARCHED, say);
    await world.rest();
    const figures: Figure[] = [];
    for (const name of names) figures.push(await measureSearch(world, name, say));
    return figures;
  } finally {
    await world.stop();
  }
}

async function measureCustomer(names: readonly string[], say: Say): Promise<Figure[]> {
  const world = await startWorld(say);
  try {
    say(`importing ${PARTIES} parties`);
    const importer = openImporter(world.customer, world.operator);
    const { import: answer, rejects } = await importer.send(bankRows(PARTIES, TRANSACTIONS));
    importer.close();
    if (answer?.counts.some(({ rejected }) => rejected > 0n))
      throw new Error(`rejected: ${rejects[0]?.kind} ${rejects[0]?.field} ${rejects[0]?.reason}`);
    await world.database.query('ANALYZE');
    const figures: Figure[] = [];
    for (const name of names) {
      await world.rest();
      if (name === 'import_transactions') figures.push(await measureImport(world, PARTIES, TRANSACTIONS, say));
      else figures.push(...(await measureRead(world, name, say)));
    }
    return figures;
  } finally {
    await world.stop();
  }
}

async function measureGrowth(names: readonly string[], say: Say): Promise<Figure[]> {
  const banks = await openBanks(say);
  try {
    const figures: Figure[] = [];
    // Views first: an import changes what they read.
    if (names.includes('view_growth')) figures.push(...(await measureViewGrowth(banks, say)));
    if (names.includes('import_growth')) figures.push(...(await measureImportGrowth(banks, say)));
    return figures;
  } finally {
    await banks.stop();
  }
}

function table(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => {
    const { name, value, unit, baseline, ratio, goal, bound } = figure;
    const promise = goal === null ? '' : `${ratio === null || bound !== undefined ? '≤' : '≥'} ${goal}`;
    const verdict = { true: 'reached', false: 'missed' }[String(reached(figure))] ?? '';
    return [
      name,
      `${value} ${unit}`,
      baseline === null ? '' : String(baseline),
      ratio === null ? '' : String(ratio),
      promise,
      verdict,
    ];
  });
  const all = [['figure', 'value', 'baseline', 'ratio', 'goal', ''], ...rows];
  const widths = all[0]?.map((_head, at) => Math.max(...all.map((row) => row[at]?.length ?? 0))) ?? [];
  return all
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

async function main(): Promise<void> {
  const options = {
    json: { type: 'boolean' },
    only: { type: 'string', multiple: true },
    help: { type: 'boolean' },
  } as const;
  const { values } = parseArgs({ options });
  if (values.help) return print(help);
  const wanted = (name: string): boolean => values.only?.some((start) => name.startsWith(start)) ?? true;
  const unknown = values.only?.find(
    (start) =>
      ![
        ...figuresOfCustomer,
        ...searchFigures,
        ...matchFigures,
        ...figuresOfGrowth,
        ...segmentFigures,
        ...liveFigures,
        ...figuresOfSuite,
      ].some((name) => name.startsWith(start)),
  );
  if (unknown !== undefined) throw new Error(`no figure is called ${unknown}`);
  // Progress goes beside the answer.
  const say: Say = (line) => void process.stderr.write(`${line}\n`);
  const figures: Figure[] = [];
  const ofCustomer = figuresOfCustomer.filter(wanted);
  if (ofCustomer.length > 0) figures.push(...(await measureCustomer(ofCustomer, say)));
  const searches = searchFigures.filter(wanted);
  // Not unless asked for: seeding a million parties takes minutes.
  if (values.only && searches.length > 0) figures.push(...(await measureSearches(searches, say)));
  const matches = matchFigures.filter(wanted);
  if (values.only && matches.length > 0) {
    say(`matching a bank of ${MATCHED} parties`);
    figures.push(...(await measureMatching(matches, say)));
  }
  const ofGrowth = figuresOfGrowth.filter(wanted);
  if (values.only && ofGrowth.length > 0) figures.push(...(await measureGrowth(ofGrowth, say)));
  const ofSegments = segmentFigures.filter(wanted);
  if (values.only && ofSegments.length > 0) figures.push(...(await measureSegments(ofSegments, say)));
  const live = liveFigures.filter(wanted);
  if (values.only && live.length > 0) figures.push(...(await measureLiveSegments(live, say)));
  if (figuresOfSuite.some(wanted)) figures.push(...(await measureSuite(say)).filter(({ name }) => wanted(name)));
  if (values.json) print(`[\n${figures.map((figure) => `  ${JSON.stringify(figure)}`).join(',\n')}\n]`);
  else print(table(figures));
}

main().catch((error: Error) => {
  process.stderr.write(`the bench could not run: ${error.message}\n`);
  process.exitCode = 1;
});
