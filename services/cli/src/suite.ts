import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

/** The services that the command line speaks to. */
export const serviceNames = ['customer', 'segmentation', 'marketing', 'cases', 'performance', 'reporting'] as const;
export type ServiceName = (typeof serviceNames)[number];

/** What the environment says about the suite; all of it may be absent. */
export interface Environment {
  readonly stateFile?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly mailbox?: string | undefined;
  readonly addresses: Readonly<Partial<Record<ServiceName, string | undefined>>>;
}

/** Where a running suite is and which key opens it. */
export interface Suite {
  readonly addresses: Readonly<Record<ServiceName, string>>;
  /** Private JWK of the operator. */
  readonly keyFile: string;
  /** Base address of the local mailbox's HTTP listing; absent where mail goes to a bank's own relay. */
  readonly mailbox?: string;
  /** The folder in which the command line keeps what it remembers between runs. */
  readonly folder: string;
}

const stateSchema = z.looseObject({
  services: z.record(z.string(), z.looseObject({ grpc: z.string().optional() })),
  mailbox: z.looseObject({ http: z.string() }).optional(),
  keys: z.string().optional(),
});

/** Thrown for what the person at the keyboard can mend; shown without a stack. */
export class OperatorError extends Error {}

/**
 * Finds the running suite: the addresses of the environment (CUSTOMER_ADDRESS … with OPERATOR_KEY_FILE), else what
 * `scripts/up` left in `.data/state.json` (RAPPORT_STATE names another file), looked for from the working folder upwards.
 * Throws an OperatorError that says what to do when there is none.
 */
export function findSuite(environment: Environment, folder: string): Suite {
  const stateFile = environment.stateFile ?? climb(folder);
  if (!stateFile || !existsSync(stateFile)) {
    const missing = serviceNames.filter((name) => !environment.addresses[name]);
    if (missing.length === 0 && environment.keyFile) {
      return {
        addresses: environment.addresses as Record<ServiceName, string>,
        keyFile: environment.keyFile,
        folder,
        ...(environment.mailbox && { mailbox: environment.mailbox }),
      };
    }
    throw new OperatorError(
      'No running suite was found. Start it with ./scripts/up --detach, or set OPERATOR_KEY_FILE and the addresses ' +
        `(${missing.map((name) => `${name.toUpperCase()}_ADDRESS`).join(', ')}).`,
    );
  }
  const parsed = stateSchema.safeParse(JSON.parse(readFileSync(stateFile, 'utf8')));
  if (!parsed.success)
    throw new OperatorError(`${stateFile} is not a state file of scripts/up; run ./scripts/up again.`);
  const state = parsed.data;
  const addresses = Object.fromEntries(
    serviceNames.map((name) => {
      const address = environment.addresses[name] ?? state.services[name]?.grpc;
      if (!address) throw new OperatorError(`${stateFile} names no address of ${name}; run ./scripts/up again.`);
      return [name, address];
    }),
  ) as Record<ServiceName, string>;
  const keys = state.keys ?? path.join(path.dirname(stateFile), 'keys');
  const mailbox = environment.mailbox ?? state.mailbox?.http;
  return {
    addresses,
    keyFile: environment.keyFile ?? path.join(keys, 'operator.jwk.json'),
    folder: path.dirname(stateFile),
    ...(mailbox && { mailbox }),
  };
}

function climb(folder: string): string | undefined {
  for (let at = path.resolve(folder); ; at = path.dirname(at)) {
    const candidate = path.join(at, '.data', 'state.json');
    if (existsSync(candidate)) return candidate;
    if (path.dirname(at) === at) return undefined;
  }
}

/** The service that `--service` names, or all of them. Throws when there is no such. */
export function chosenServices(flags: { readonly service?: string }): readonly ServiceName[] {
  if (!flags.service) return serviceNames;
  const found = serviceNames.find((name) => name === flags.service);
  if (!found) throw new OperatorError(`there is no service ${flags.service}; there are ${serviceNames.join(', ')}`);
  return [found];
}
