import { createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { descriptorSet } from '@rapport/proto';
import Ajv2020 from 'ajv/dist/2020';
import supertest from 'supertest';
import { testGateway } from '../gateway.testkit.js';
import { readContract } from '../transcoding/transcoding.js';
import { openApi } from './openapi.js';

interface Operation {
  operationId: string;
  description?: string;
  parameters?: { name?: string; in?: string; schema?: object; $ref?: string }[];
  requestBody?: { content: Record<string, { schema: object }> };
  responses: Record<string, { content?: Record<string, { schema: object }> }>;
  'x-rapport-rpc'?: string;
}

interface Document {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object>; parameters: Record<string, object> };
}

const domains = ['customer', 'segmentation', 'marketing', 'cases', 'performance', 'reporting'];
const contract = readContract(descriptorSet(), domains);
const comments = { 'rapport.customer.v1.CustomerService.GetParty': 'Takes a name. Gives the party.' };
const document = openApi(contract, comments, '1.2.3') as unknown as Document;
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

function* references(node: unknown): Generator<string> {
  if (typeof node !== 'object' || node === null) return;
  for (const [key, value] of Object.entries(node)) {
    if (key === '$ref' && typeof value === 'string') yield value;
    else yield* references(value);
  }
}

test('every RPC whose caller does not stream has a path', () => {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptorSet()));
  const wanted: string[] = [];
  for (const type of registry) {
    if (type.kind !== 'service' || !type.typeName.startsWith('rapport.')) continue;
    for (const method of type.methods) {
      const streams = method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming';
      if (!streams) wanted.push(`${type.typeName}/${method.name}`);
    }
  }
  const offered = new Set(operations.map(({ operation }) => operation['x-rapport-rpc']));
  expect(wanted.length).toBeGreaterThan(40);
  expect(wanted.filter((rpc) => !offered.has(rpc))).toEqual([]);
});

test('every reference resolves', () => {
  const names = new Set([
    ...Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`),
    ...Object.keys(document.components.parameters).map((name) => `#/components/parameters/${name}`),
  ]);
  const all = [...references(document)];
  expect(all.length).toBeGreaterThan(100);
  expect(all.filter((reference) => !names.has(reference))).toEqual([]);
});

test('no two operations share an id or a path, and every path parameter is declared', () => {
  const ids = operations.map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  const shapes = operations.map(({ path, method }) => `${method} ${path.replace(/\{[^}]+\}/g, '{}')}`);
  expect(new Set(shapes).size).toBe(shapes.length);
  for (const { path, operation } of operations) {
    const inPath = [...path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name);
    const declared = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path');
    expect(declared.map(({ name }) => name)).toEqual(inPath);
  }
});

test('the operations service is offered once for each service', () => {
  const paths = Object.keys(document.paths).filter((path) => path.endsWith(':eventLag'));
  expect(paths.toSorted()).toEqual(domains.map((domain) => `/api/v1/services/${domain}:eventLag`).toSorted());
});

test('every schema is a valid JSON Schema 2020-12', () => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema({ $id: 'https://rapport.test/openapi', components: document.components });
  for (const name of Object.keys(document.components.schemas)) {
    expect(() => ajv.compile({ $ref: `https://rapport.test/openapi#/components/schemas/${name}` })).not.toThrow();
  }
});

test('schemas tell good JSON from bad', () => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema({ $id: 'https://rapport.test/openapi', components: document.components });
  const check = ajv.compile({ $ref: 'https://rapport.test/openapi#/components/schemas/rapport.type.v1.Money' });
  expect(check({ minorUnits: '125', currencyCode: 'CZK' })).toBe(true);
  expect(check({ minorUnits: 1.5, currencyCode: 'CZK' })).toBe(false);
});

test('an operation says what it takes, gives and means', () => {
  const get = document.paths['/api/v1/parties/{party}']?.get;
  expect(get).toMatchObject({
    summary: 'Takes a name.',
    description: 'Takes a name. Gives the party.',
    tags: ['CustomerService'],
  });
  expect(get?.responses['200']?.content?.['application/json']?.schema).toEqual({
    $ref: '#/components/schemas/rapport.customer.v1.GetPartyResponse',
  });
  const history = document.paths['/api/v1/cases/{case}/history']?.get;
  const query = history?.parameters?.filter((parameter) => parameter.in === 'query').map(({ name }) => name);
  expect(query).toContain('pageSize');
  expect(query).not.toContain('parent');
  const csv = document.paths['/api/v1/metrics:exportCsv']?.get;
  expect(Object.keys(csv?.responses['200']?.content ?? {})).toEqual(['text/csv']);
  expect(csv?.parameters?.find(({ name }) => name === 'startDate')?.schema).toEqual({ type: 'string', format: 'date' });
});

test('the gateway serves it to anybody', async () => {
  const gateway = testGateway({});
  const answer = await supertest(gateway.app).get('/openapi.json').expect(200);
  gateway.stop();
  expect(answer.body.openapi).toBe('3.1.0');
  expect(Object.keys(answer.body.paths).toSorted()).toEqual(Object.keys(document.paths).toSorted());
});
