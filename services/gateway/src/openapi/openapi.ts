import { type DescField, type DescMessage, type JsonObject, type JsonValue, ScalarType } from '@bufbuild/protobuf';
import type { Binding, Contract } from '../transcoding/transcoding.js';
import { createSchemas, type Schemas } from './schemas.js';

const prefix = '/api';
const maxQueryDepth = 3;

const problemSchema: JsonObject = {
  type: 'object',
  description: 'Problem Details (RFC 9457). Branch on `reason`, never on a text.',
  required: ['type', 'title', 'status', 'instance', 'reason', 'domain'],
  properties: {
    type: { type: 'string', description: '`urn:rapport:problem:<REASON>`' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    instance: {
      type: 'string',
      description: '`urn:rapport:request:<id>`; quote it when asking for help',
    },
    reason: { type: 'string' },
    domain: {
      type: 'string',
      description: 'Who refused, such as `customer.rapport`',
    },
    metadata: { type: 'object', additionalProperties: { type: 'string' } },
    violations: {
      type: 'array',
      items: {
        type: 'object',
        required: ['field', 'description'],
        properties: {
          field: { type: 'string' },
          description: { type: 'string' },
        },
      },
    },
  },
};

const sessionSchema: JsonObject = {
  type: 'object',
  description: 'Who is signed in.',
  required: ['subject', 'name', 'roles', 'organisationPath', 'language'],
  properties: {
    subject: { type: 'string' },
    name: { type: 'string' },
    roles: { type: 'array', items: { type: 'string' } },
    organisationPath: { type: 'string' },
    language: { type: 'string', enum: ['en', 'zh'] },
    csrf: {
      type: 'string',
      description: 'Send it as `x-rapport-csrf` with every request that changes something.',
    },
    expireTime: { type: 'string', format: 'date-time' },
  },
};

const problemResponse: JsonObject = {
  description: 'Refused',
  content: {
    'application/problem+json': {
      schema: { $ref: '#/components/schemas/Problem' },
    },
  },
};

const sessionPath: JsonObject = {
  get: {
    operationId: 'GetSession',
    tags: ['Session'],
    summary: 'Who is signed in',
    responses: {
      '200': {
        description: 'The session',
        content: {
          'application/json': {
            schema: { $ref: '#/components/schemas/Session' },
          },
        },
      },
      default: problemResponse,
    },
  },
};

function singular(plural: string): string {
  if (plural.endsWith('ies')) return `${plural.slice(0, -3)}y`;
  return plural.endsWith('s') && !plural.endsWith('ss') ? plural.slice(0, -1) : plural;
}

/** The path of a binding as OpenAPI writes it, and the names of its parameters. */
function pathOf(binding: Binding): { path: string; parameters: string[] } {
  const parameters: string[] = [];
  const parts = binding.template.segments.map((segment, at) => {
    if (segment.kind === 'literal') return segment.value;
    const before = binding.template.segments[at - 1];
    const wanted = before?.kind === 'literal' ? singular(before.value) : 'id';
    const name = parameters.includes(wanted) ? `${wanted}${parameters.length + 1}` : wanted;
    parameters.push(name);
    return `{${name}}`;
  });
  const verb = binding.template.verb === '' ? '' : `:${binding.template.verb}`;
  return { path: `${prefix}/${parts.join('/')}${verb}`, parameters };
}

function queryParameters(
  schemas: Schemas,
  message: DescMessage,
  taken: (path: string) => boolean,
  before = '',
  depth = 1,
): JsonObject[] {
  return message.fields.flatMap((field): JsonObject[] => {
    const path = `${before}${field.name}`;
    const name = `${before}${field.jsonName}`;
    if (taken(path) || field.fieldKind === 'map') return [];
    const schema = schemas.field(field);
    const nested = field.message && field.fieldKind === 'message' && !isQueryable(field) ? field.message : undefined;
    if (nested) {
      if (depth >= maxQueryDepth) return [];
      return queryParameters(schemas, nested, (inner) => taken(`${path}.${inner}`), `${name}.`, depth + 1);
    }
    if (field.fieldKind === 'list' && field.message && !isQueryable(field)) return [];
    const { description, ...rest } = schema;
    const date = field.message?.typeName === 'google.type.Date';
    return [
      {
        name,
        in: 'query',
        ...(depth === 1 && schemas.isRequired(field) ? { required: true } : {}),
        ...(description === undefined ? {} : { description }),
        schema: date ? { type: 'string', format: 'date' } : rest,
        ...(field.fieldKind === 'list' ? { style: 'form', explode: true } : {}),
      },
    ];
  });
}

function isQueryable(field: DescField): boolean {
  const name = field.message?.typeName ?? '';
  return name === 'google.type.Date' || (name.startsWith('google.protobuf.') && !/Struct|Value$|Any/.test(name));
}

function streamContent(schemas: Schemas, binding: Binding): JsonObject {
  const { output } = binding.rpc;
  const bytes = output.fields.some((field) => field.scalar === ScalarType.BYTES && field.fieldKind === 'scalar');
  if (bytes) return { 'text/csv': { schema: { type: 'string' } } };
  return { 'application/x-ndjson': { schema: schemas.refer(output) } };
}

function responseContent(schemas: Schemas, binding: Binding): JsonObject {
  if (binding.rpc.methodKind === 'server_streaming') return streamContent(schemas, binding);
  const { output } = binding.rpc;
  const part = output.fields.find(({ name }) => name === binding.responseBody);
  return {
    'application/json': {
      schema: part ? schemas.field(part) : schemas.refer(output),
    },
  };
}

function bodySchema(schemas: Schemas, binding: Binding): JsonObject | undefined {
  const { input } = binding.rpc;
  if (binding.body === '') return undefined;
  if (binding.body === '*') {
    const bound = new Set(binding.template.variables.map(({ field }) => field));
    return bound.size === 0 ? schemas.refer(input) : schemas.object(input, (field) => !bound.has(field.name));
  }
  const field = input.fields.find(({ name }) => name === binding.body);
  return field && schemas.field(field);
}

function firstSentence(text: string): string {
  return /^.*?[.;](?=\s|$)/s.exec(text)?.[0].replace(/\s+/g, ' ') ?? text;
}

function operationOf(schemas: Schemas, binding: Binding, comments: Record<string, string>): JsonObject {
  const { rpc, method, template } = binding;
  const comment = comments[`${rpc.parent.typeName}.${rpc.name}`];
  const bound = new Set(template.variables.map(({ field }) => field));
  const path = pathOf(binding).parameters.map(
    (name): JsonObject => ({
      name,
      in: 'path',
      required: true,
      schema: { type: 'string', minLength: 1 },
    }),
  );
  const query =
    binding.body === '*'
      ? []
      : queryParameters(
          schemas,
          rpc.input,
          (name) => bound.has(name) || (binding.body !== '' && name === binding.body),
        );
  const body = bodySchema(schemas, binding);
  const headers = [{ $ref: '#/components/parameters/Purpose' }];
  if (method !== 'GET') headers.push({ $ref: '#/components/parameters/Csrf' });
  return {
    operationId: `${rpc.parent.name}_${rpc.name}${rpc.parent.name === 'OperationsService' ? `_${binding.domain}` : ''}`,
    tags: [rpc.parent.name],
    ...(comment ? { summary: firstSentence(comment), description: comment } : {}),
    parameters: [...path, ...query, ...headers],
    ...(body
      ? {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: body } },
          },
        }
      : {}),
    responses: {
      '200': {
        description: 'Done',
        content: responseContent(schemas, binding),
      },
      default: problemResponse,
    },
    'x-rapport-rpc': `${rpc.parent.typeName}/${rpc.name}`,
  };
}

/**
 * The OpenAPI 3.1 document of the whole API. `comments` are the contract's comments by full name; without them the
 * document lacks descriptions only.
 */
export function openApi(contract: Contract, comments: Record<string, string>, version: string): JsonObject {
  const schemas = createSchemas(contract.registry, comments);
  const paths: Record<string, Record<string, JsonValue>> = {
    [`${prefix}/session`]: { ...sessionPath },
  };
  const seen = new Map<string, number>();
  for (const binding of contract.bindings) {
    const { path } = pathOf(binding);
    const operation = operationOf(schemas, binding, comments);
    const id = String(operation.operationId);
    const times = (seen.get(id) ?? 0) + 1;
    seen.set(id, times);
    if (times > 1) operation.operationId = `${id}${times}`;
    paths[path] = { ...paths[path], [binding.method.toLowerCase()]: operation };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Rapport',
      version,
      description: 'The gRPC services of Rapport as REST, in the proto3 JSON mapping.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ session: [] }, { bearer: [] }],
    paths,
    components: {
      schemas: {
        Problem: problemSchema,
        Session: sessionSchema,
        ...sortedByName(schemas.components),
      },
      parameters: {
        Csrf: {
          name: 'x-rapport-csrf',
          in: 'header',
          description: 'The `csrf` of `/api/session`; needed with a session cookie.',
          schema: { type: 'string' },
        },
        Purpose: {
          name: 'rapport-purpose',
          in: 'header',
          description: 'Why the data is asked for; `service` when absent.',
          schema: { type: 'string', pattern: '^[a-z][a-z0-9_]{0,63}$' },
        },
      },
      securitySchemes: {
        session: { type: 'apiKey', in: 'cookie', name: 'rapport' },
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
      },
    },
  };
}

function sortedByName(components: Record<string, JsonObject>): Record<string, JsonObject> {
  return Object.fromEntries(Object.entries(components).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
