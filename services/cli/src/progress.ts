import { SingleBar } from 'cli-progress';

/** Says on stderr how far a long job is; stdout belongs to the result. */
export interface Progress {
  /** Begins a step; `total` of 0 means that nobody knows how much it is. */
  step(title: string, total?: number): Step;
  note(text: string): void;
}

export interface Step {
  advance(by?: number): void;
  /** What the step waits for or works on at the moment. */
  say(detail: string): void;
  done(result?: string): void;
}

/** Bars on a terminal, one line per step elsewhere, nothing when quiet. */
export function openProgress(quiet: boolean): Progress {
  if (quiet) return { step: () => ({ advance() {}, say() {}, done() {} }), note() {} };
  if (!process.stderr.isTTY) {
    return {
      step: (title) => {
        const started = Date.now();
        return {
          advance() {},
          say() {},
          done: (result = '') =>
            process.stderr.write(`${title}: ${result || 'done'} (${((Date.now() - started) / 1000).toFixed(1)} s)\n`),
        };
      },
      note: (text) => process.stderr.write(`${text}\n`),
    };
  }
  return {
    step(title, total = 0) {
      const bar = new SingleBar({
        stream: process.stderr,
        format: total > 0 ? `${title} {bar} {value}/{total} {detail}` : `${title} {value} {detail}`,
        hideCursor: true,
        clearOnComplete: true,
      });
      bar.start(total, 0, { detail: '' });
      return {
        advance: (by = 1) => bar.increment(by),
        say: (detail) => bar.update({ detail }),
        done(result = '') {
          bar.stop();
          process.stderr.write(`✓ ${title}${result ? `: ${result}` : ''}\n`);
        },
      };
    },
    note: (text) => process.stderr.write(`${text}\n`),
  };
}

/** Runs `fn` over the items, at most `width` at a time, in order of their beginning. The first failure ends it. */
export async function each<T>(
  items: AsyncIterable<T> | Iterable<T>,
  width: number,
  fn: (item: T) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>();
  for await (const item of items) {
    const one: Promise<void> = fn(item).finally(() => running.delete(one));
    one.catch(() => undefined);
    running.add(one);
    if (running.size >= width) await Promise.race(running);
  }
  await Promise.all(running);
}
