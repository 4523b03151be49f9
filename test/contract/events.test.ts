// That the written description of the events is whole, and that a contract cannot be broken without notice.
import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { create, type DescExtension, fromBinary, hasExtension, toBinary } from '@bufbuild/protobuf';
import { FieldDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { descriptorSet } from '@rapport/proto';
import { parse } from 'yaml';
import { registry } from './methods.js';

const root = path.join(__dirname, '../..');

interface AsyncApi {
  channels: Record<string, { address: string; messages: Record<string, { $ref: string }> }>;
  components: { messages: Record<string, unknown> };
}

/** Full names of all messages that the contracts mark as events. */
function events(): string[] {
  const marked = registry.getExtension('rapport.type.v1.event') as DescExtension;
  return [...registry]
    .filter((type) => type.kind === 'message')
    .filter(({ proto }) => proto.options !== undefined && hasExtension(proto.options, marked))
    .map(({ typeName }) => typeName)
    .sort();
}

test('the AsyncAPI document has a channel and a message for every event, and no other', () => {
  const document = parse(readFileSync(path.join(root, 'proto/asyncapi.yaml'), 'utf8')) as AsyncApi;
  expect(events().length).toBeGreaterThan(15);
  expect(Object.keys(document.components.messages).sort()).toEqual(events());
  const sent = Object.values(document.channels).flatMap(({ messages }) =>
    Object.values(messages).map(({ $ref }) => $ref.slice($ref.lastIndexOf('/') + 1)),
  );
  expect(sent.sort()).toEqual(events());
  for (const { address } of Object.values(document.channels))
    expect(address).toMatch(/^rapport\.[a-z]+\.v1\.[a-z_]+\.\{partition\}$/);
});

test('every event is published by the service whose domain it is of', () => {
  const silent = events().filter((event) => {
    const [, domain, , name] = event.split('.');
    const files = globSync(`services/${domain}/src/**/*.ts`, {
      cwd: root,
      exclude: (file) => file.endsWith('.test.ts'),
    });
    return !files.some((file) => new RegExp(`\\b${name}\\b`).test(readFileSync(path.join(root, file), 'utf8')));
  });
  expect(silent).toEqual([]);
});

describe('the check against the last release', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'rapport-breaking-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  const check = (against: string) => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [path.join(root, 'scripts/check-breaking.mjs'), '--against', against],
      { cwd: root, encoding: 'utf8' },
    );
    return { status, output: stdout + stderr };
  };

  test('is content with what did not change', () => {
    expect(check(path.join(root, 'proto/descriptor.binpb'))).toMatchObject({ status: 0 });
  });

  test('names the field that the last release had and this one has not', () => {
    const set = fromBinary(FileDescriptorSetSchema, descriptorSet());
    const file = set.file.find(({ name }) => name === 'rapport/customer/v1/party.proto');
    const message = file?.messageType.find(({ name }) => name === 'Party');
    message?.field.push(
      create(FieldDescriptorProtoSchema, { name: 'shoe_size', jsonName: 'shoeSize', number: 999, type: 5, label: 1 }),
    );
    const released = path.join(folder, 'released.binpb');
    writeFileSync(released, toBinary(FileDescriptorSetSchema, set));
    const { status, output } = check(released);
    expect(output).toMatch(/999.*shoe_size.*Party/);
    expect(status).not.toBe(0);
  });
});
