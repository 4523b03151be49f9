import { runCommand } from './command.js';

/** What was run and with which status the process was ended. */
async function run(...args: string[]): Promise<string[]> {
  const seen: string[] = [];
  const commands = {
    serve: async () => void seen.push('serve'),
    migrate: async () => {
      seen.push('migrate');
      throw new Error('no database');
    },
  };
  await runCommand('test', commands, args, (code) => void seen.push(`exit ${code}`));
  return seen;
}

test('serves unless told otherwise, and ends with 1 when the command fails or does not exist', async () => {
  expect(await run()).toEqual(['serve']);
  expect(await run('serve')).toEqual(['serve']);
  expect(await run('migrate')).toEqual(['migrate', 'exit 1']);
  expect(await run('constructor')).toEqual(['exit 1']);
});
