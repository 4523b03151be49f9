import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { rounded } from './figure.js';
import { root, run, script } from './scripts.js';
import { startWorld, type World } from './world.js';

const help = `npm run bench:matching [-- --json]

Matches labelled files of people with \`rapport match\`, against a customer service of its own, and prints how well the
clusters agree with the labels: pairwise precision, recall and F1 over the pairs of records in one cluster (of two files,
those across them). The labels stay in the command line; the service learns without them.`;

const data = path.join(root, '../shared/data');
const files: readonly { name: string; files: readonly string[]; mapping: string }[] = [
  { name: 'febrl/dataset2.csv', files: ['febrl/dataset2.csv'], mapping: 'febrl' },
  {
    name: 'febrl/dataset4a.csv x febrl/dataset4b.csv',
    files: ['febrl/dataset4a.csv', 'febrl/dataset4b.csv'],
    mapping: 'febrl',
  },
  { name: 'people/fake_1000.csv', files: ['people/fake_1000.csv'], mapping: 'people' },
];

interface Row {
  file: string;
  precision: number;
  recall: number;
  f1: number;
  seconds: number;
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** What `rapport match` answers for some files. */
async function judge(world: World, env: NodeJS.ProcessEnv, of: (typeof files)[number]): Promise<Row> {
  const mapping = path.join(root, `services/cli/mappings/${of.mapping}.yaml`);
  const paths = of.files.map((file) => path.join(data, file));
  const rapport = path.join(root, 'services/cli/bin/rapport.js');
  const answer = await run(process.execPath, [rapport, 'match', ...paths, '--mapping', mapping, '--json'], {
    cwd: root,
    env: { ...env, OPERATOR_KEY_FILE: world.operatorKey, ...addresses(world) },
  });
  const { precision, recall, f1, seconds } = JSON.parse(answer.slice(answer.indexOf('{'))) as Row;
  const figures = [precision, recall, f1].map((figure) => rounded(figure, 4)) as [number, number, number];
  return { file: of.name, precision: figures[0], recall: figures[1], f1: figures[2], seconds };
}

/** The command line wants to know where every service is; it asks the customer service only. */
function addresses(world: World): NodeJS.ProcessEnv {
  const names = ['CUSTOMER', 'SEGMENTATION', 'MARKETING', 'CASES', 'PERFORMANCE', 'REPORTING'];
  return Object.fromEntries(names.map((name) => [`${name}_ADDRESS`, world.customer]));
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { json: { type: 'boolean' }, help: { type: 'boolean' } } });
  if (values.help) return print(help);
  const absent = files.flatMap((one) => one.files).filter((file) => !existsSync(path.join(data, file)));
  if (absent.length > 0) throw new Error(`${absent.join(', ')} not found in ${data}`);
  const { plainEnvironment } = await script('suite');
  const world = await startWorld((line) => void process.stderr.write(`${line}\n`));
  const rows: Row[] = [];
  try {
    for (const one of files) {
      process.stderr.write(`matching ${one.name}\n`);
      rows.push(await judge(world, plainEnvironment(), one));
    }
  } finally {
    await world.stop();
  }
  if (values.json) return print(`[\n${rows.map((row) => `  ${JSON.stringify(row)}`).join(',\n')}\n]`);
  for (const { file, precision, recall, f1, seconds } of rows)
    print(
      `${file.padEnd(42)}  precision ${precision.toFixed(4)}  recall ${recall.toFixed(4)}  F1 ${f1.toFixed(4)}  ${seconds} s`,
    );
}

main().catch((error: Error) => {
  process.stderr.write(`the bench could not run: ${error.message}\n`);
  process.exitCode = 1;
});
