// Checks the import rules of .dependency-cruiser.cjs on the tree in the working folder (or the one given as argument).
// `--json` prints the violations as [{ rule, from, to }].
import path from 'node:path';
import { cruise } from 'dependency-cruiser';
import extractConfig from 'dependency-cruiser/config-utl/extract-depcruise-config';
import extractResolveConfig from 'dependency-cruiser/config-utl/extract-webpack-resolve-config';
import { root } from './lib/processes.mjs';

const json = process.argv.includes('--json');
const tree = process.argv.slice(2).find((argument) => !argument.startsWith('--'));
if (tree) process.chdir(tree);

const { forbidden, options } = await extractConfig(path.join(root, '.dependency-cruiser.cjs'));
const resolve = await extractResolveConfig(options.webpackConfig.fileName);
const settings = { ...options, ruleSet: { forbidden }, validate: true, outputType: 'json' };
const { output } = await cruise(['services', 'proto', 'test'], settings, resolve);
const { summary } = JSON.parse(output);
const violations = summary.violations.map(({ rule, from, to, cycle }) => ({
  rule: rule.name,
  from,
  to: cycle ? cycle.map((step) => step.name).join(' → ') : to,
}));

if (json) console.log(JSON.stringify(violations));
else {
  for (const { rule, from, to } of violations) console.error(`${rule}: ${from}${to === from ? '' : ` → ${to}`}`);
  console.log(
    `${summary.totalCruised} files, ${summary.totalDependenciesCruised} imports, ${violations.length} against the rules`,
  );
}
if (violations.length > 0) process.exitCode = 1;
