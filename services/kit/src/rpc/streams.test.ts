import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from './index.js';
import { failureOf, until, useProbes } from './rpc.testkit.js';

const { probe } = useProbes();

test('client, server and two-way streams carry their messages', async () => {
  const { remote } = await probe({});
  const three = ['a', 'b', 'c'].map((text) => ({ text }));
  expect(await remote.collectProbes(three)).toEqual({ text: 'a,b,c' });
  expect(await texts(remote.watchProbes({ text: 'xyz' }))).toEqual(['x', 'y', 'z']);
  expect(await texts(remote.chatProbes(three))).toEqual(['A', 'B', 'C']);
});

test('a long stream waits for a slow reader', async () => {
  let made = 0;
  const { remote } = await probe({
    watchProbes: async function* () {
      for (; made < 2_000; made += 1) yield { text: 'x'.repeat(10_000) };
    },
  });
  let count = 0;
  for await (const _message of remote.watchProbes({ text: '' })) {
    count += 1;
    if (count === 1) {
      await sleep(300);
      expect(made).toBeLessThan(1_000);
    }
  }
  expect(count).toBe(2_000);
});

test('a failure in the middle arrives as a Failure; the server may answer before it read everything', async () => {
  const { remote } = await probe({
    watchProbes: async function* () {
      yield { text: 'first' };
      throw new Failure('PROBE_LOST', 'not_found', 'The probe was lost.');
    },
    collectProbes: async (requests) => {
      for await (const { text } of requests) {
        if (text === '3') throw new Failure('ROW_REFUSED', 'invalid', 'Row 3 is refused.');
        if (text === 'enough') return { text: 'stopped early' };
      }
      return { text: 'end' };
    },
  });
  const got: string[] = [];
  const reading = (async () => {
    for await (const { text } of remote.watchProbes({ text: '' })) got.push(text);
  })();
  expect((await failureOf(reading)).reason).toBe('PROBE_LOST');
  expect(got).toEqual(['first']);
  const rows = function* () {
    for (let index = 0; index < 100_000; index += 1) yield { text: String(index) };
  };
  expect((await failureOf(remote.collectProbes(rows()))).reason).toBe('ROW_REFUSED');
  expect(await remote.collectProbes([{ text: 'enough' }, { text: 'more' }])).toEqual({ text: 'stopped early' });
});

test('a source that breaks shows its own error, and the server sees a cancellation', async () => {
  let ended: unknown;
  const { remote } = await probe({
    collectProbes: async (requests) => {
      try {
        for await (const _request of requests);
      } catch (error) {
        ended = error;
        throw error;
      }
      return { text: '' };
    },
  });
  const rows = async function* () {
    yield { text: 'a' };
    await sleep(50);
    throw new RangeError('the file is broken');
  };
  await expect(remote.collectProbes(rows())).rejects.toThrow('the file is broken');
  await until(() => ended !== undefined);
  expect(ended).toMatchObject({ kind: 'cancelled' });
});

test('a reader that leaves ends the stream at the server', async () => {
  let aborted = false;
  const { remote } = await probe({
    watchProbes: async function* (_request, call) {
      call.signal.addEventListener('abort', () => {
        aborted = true;
      });
      for (;;) {
        yield { text: 'tick' };
        await sleep(10);
      }
    },
  });
  for await (const _message of remote.watchProbes({ text: '' })) break;
  await until(() => aborted);
  expect(aborted).toBe(true);
});

async function texts(messages: AsyncIterable<{ text: string }>): Promise<string[]> {
  const all: string[] = [];
  for await (const { text } of messages) all.push(text);
  return all;
}
