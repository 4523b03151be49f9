import { createHealth } from './health.js';
import { watch } from './watch.js';

test('a check follows the answers: at once, and again later', async () => {
  const health = createHealth();
  let answers = false;
  const ask = async () => {
    if (!answers) throw new Error('away');
  };
  const watching = await watch(health, 'store', ask, 5);
  expect(health.failing()).toEqual(['store']);
  const changed = new Promise<boolean>((resolve) => health.onChange(resolve));
  answers = true;
  expect(await changed).toBe(true);
  await watching.stop();
});
