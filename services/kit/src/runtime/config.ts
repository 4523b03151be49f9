import { z } from 'zod';

/** A boolean of the environment: exactly `true` or `false`; anything else is a violation, never a silent truth. */
export const flag = z
  .enum(['true', 'false'], { error: "must be 'true' or 'false'" })
  .transform((text) => text === 'true');

/** `host:port`, IPv6 hosts in brackets; port 0 lets the machine choose. */
export const address = z.string().refine((text) => splitAddress(text) !== undefined, { error: 'must be host:port' });

function splitAddress(text: string): { host: string; port: number } | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65_535) return undefined;
  return { host: match[1] ?? match[2] ?? '', port };
}

/** The two parts of a `host:port`. Throws a RangeError for anything else. */
export function parseAddress(text: string): { host: string; port: number } {
  const parts = splitAddress(text);
  if (!parts) throw new RangeError('an address must be host:port');
  return parts;
}

/**
 * Reads a service's settings from its environment. An empty variable counts as absent. Every violation is printed to
 * standard error, by name and without the value (it may be a secret), and the process exits with status 2.
 */
export function readConfig<T>(schema: z.ZodType<T>, env: NodeJS.ProcessEnv): T {
  const present = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const result = schema.safeParse(present);
  if (result.success) return result.data;
  const lines = result.error.issues.map((issue) => {
    const name = issue.path.join('.') || 'environment';
    const absent = issue.path.length === 1 && !(String(issue.path[0]) in present);
    return `  ${name}: ${absent ? 'is required' : issue.message}`;
  });
  process.stderr.write(`The configuration has ${lines.length} violation(s):\n${lines.join('\n')}\n`);
  process.exit(2);
}
