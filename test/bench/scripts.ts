import { spawn } from 'node:child_process';
import path from 'node:path';

/** The root folder of the tree; compiled files stand in test/dist/bench. */
export const root = path.resolve(__dirname, '../../..');

/** A process that a starter of `scripts/lib` made. */
export interface Server {
  pid: number;
  port: number;
  url: string;
  stop(): Promise<unknown>;
}

interface Scripts {
  postgres: { startPostgres(options: object): Promise<Server> };
  nats: { findNatsServer(options?: object): string; startNats(options: object): Promise<Server> };
  keys: { writeKeys(dir: string): void; signToken(keyFile: string, claims: object, seconds?: number): string };
  processes: { freePort(): Promise<number>; isPortFree(port: number): Promise<boolean> };
  suite: { services: readonly string[]; serviceArguments: readonly string[]; plainEnvironment(): NodeJS.ProcessEnv };
}

/** Loads a module of `scripts/lib`, plain ES modules outside of the compiled tree that `scripts/up` uses too. */
export async function script<K extends keyof Scripts>(name: K): Promise<Scripts[K]> {
  return (await import(path.join(root, `scripts/lib/${name}.mjs`))) as Scripts[K];
}

/** Runs a program to its end; throws with its output when it fails or takes too long. */
export function run(
  file: string,
  args: readonly string[],
  options: { cwd?: string; env: NodeJS.ProcessEnv },
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd: root, ...options, stdio: ['ignore', 'pipe', 'pipe'], timeout: 180_000 });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve(output);
      else reject(new Error(`${path.basename(file)} ${args.join(' ')} ended with ${signal ?? code}\n${output.trim()}`));
    });
  });
}
