import {
  createFileRegistry,
  type DescMessage,
  type DescMethod,
  type FileRegistry,
  fromBinary,
  getOption,
} from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { fail } from '../errors.js';
import { matchTemplate, parseTemplate, splitPath, type Template } from './template.js';

export type HttpMethod = 'GET' | 'PUT' | 'POST' | 'DELETE' | 'PATCH';

/** One way to call one RPC over HTTP. */
export interface Binding {
  /** Domain of the service that answers, the key of the address table: `customer`. */
  domain: string;
  rpc: DescMethod;
  /** gRPC path: `/rapport.customer.v1.CustomerService/GetParty`. */
  grpcPath: string;
  /** Whether the service answers with a stream. */
  streams: boolean;
  method: HttpMethod;
  template: Template;
  /** `''` none, `'*'` the whole message, else the name of the field that the body fills. */
  body: string;
  /** `''` the whole response, else the field that is answered. */
  responseBody: string;
}

export interface Contract {
  registry: FileRegistry;
  bindings: Binding[];
}

interface HttpRule {
  pattern: { case: string | undefined; value?: unknown };
  body: string;
  responseBody: string;
  additionalBindings: HttpRule[];
}

const servicePattern = /^rapport\.([a-z]+)\.v\d+\.[A-Za-z]+$/;
const operationsDomain = 'operations';
const methods = new Map<string, HttpMethod>([
  ['get', 'GET'],
  ['put', 'PUT'],
  ['post', 'POST'],
  ['delete', 'DELETE'],
  ['patch', 'PATCH'],
]);

/**
 * Every domain serves the operations service for itself, under its own name: `services/*` becomes one path for each
 * domain, so that the path says whom to call.
 */
function pathsOf(path: string, own: string, domains: string[]): { domain: string; path: string }[] {
  if (own !== operationsDomain) return [{ domain: own, path }];
  return domains.map((domain) => ({
    domain,
    path: path.replace('services/*', `services/${domain}`),
  }));
}

function bindingsOf(rpc: DescMethod, rule: HttpRule, domains: string[]): Binding[] {
  const method = methods.get(rule.pattern.case ?? '');
  const path = rule.pattern.value;
  if (method === undefined || typeof path !== 'string') {
    throw new Error(`${rpc.parent.typeName}/${rpc.name}: unsupported google.api.http pattern`);
  }
  const [, own = ''] = servicePattern.exec(rpc.parent.typeName) ?? [];
  const here = pathsOf(path, own, domains).map((target) => ({
    domain: target.domain,
    rpc,
    grpcPath: `/${rpc.parent.typeName}/${rpc.name}`,
    streams: rpc.methodKind === 'server_streaming',
    method,
    template: parseTemplate(target.path),
    body: rule.body,
    responseBody: rule.responseBody,
  }));
  return [...here, ...rule.additionalBindings.flatMap((more) => bindingsOf(rpc, more, domains))];
}

/** Whether an RPC can be called over HTTP at all: the client must not stream. */
export function isCallable(rpc: DescMethod): boolean {
  return rpc.methodKind === 'unary' || rpc.methodKind === 'server_streaming';
}

/**
 * Reads the descriptor image into the bindings of all `rapport.*.v1` services. `domains` are those that serve the
 * operations service. Throws on a template or pattern that cannot be served.
 */
export function readContract(image: Uint8Array, domains: string[]): Contract {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, image));
  const http = registry.getExtension('google.api.http');
  if (!http) throw new Error('the descriptor image does not hold google.api.http');
  const bindings: Binding[] = [];
  for (const service of registry) {
    if (service.kind !== 'service' || !servicePattern.test(service.typeName)) continue;
    for (const rpc of service.methods) {
      const rule = getOption(rpc, http) as unknown as HttpRule | undefined;
      if (!isCallable(rpc) || !rule?.pattern.case) continue;
      bindings.push(...bindingsOf(rpc, rule, domains));
    }
  }
  return { registry, bindings };
}

export interface Match {
  binding: Binding;
  variables: Map<string, string>;
}

const literals = (binding: Binding): number =>
  binding.template.segments.filter(({ kind }) => kind === 'literal').length;

/**
 * A function from method and raw path (below `/api`) to the binding that answers it. More literal templates win.
 * Refuses with MALFORMED_PATH, NO_SUCH_PATH or METHOD_NOT_ALLOWED.
 */
export function createRouter(bindings: Binding[]): (method: string, path: string) => Match {
  const ordered = bindings.toSorted((a, b) => literals(b) - literals(a));
  return (method, path) => {
    const split = splitPath(path);
    if (!split) throw fail('MALFORMED_PATH');
    const wanted = method === 'HEAD' ? 'GET' : method;
    const allowed = new Set<string>();
    for (const binding of ordered) {
      const variables = matchTemplate(binding.template, split);
      if (!variables) continue;
      if (binding.method === wanted) return { binding, variables };
      allowed.add(binding.method);
    }
    if (allowed.size > 0)
      throw fail('METHOD_NOT_ALLOWED', {
        headers: { allow: [...allowed].join(', ') },
      });
    throw fail('NO_SUCH_PATH');
  };
}

/** The field of a message by its proto or its JSON name. */
export function fieldOf(message: DescMessage, name: string): DescMessage['fields'][number] | undefined {
  return message.fields.find((field) => field.jsonName === name || field.name === name);
}
