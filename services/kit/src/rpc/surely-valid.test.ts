import { createFileRegistry, type DescMessage, fromBinary, ScalarType } from '@bufbuild/protobuf';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { createValidator } from '@bufbuild/protovalidate';
import { descriptorSet } from '@rapport/proto';
import fc from 'fast-check';
import { rangesOf } from './ranges.js';
import { surelyValid } from './surely-valid.js';

const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptorSet()));
const validator = createValidator({ registry });
const messages = [...registry].filter((type): type is DescMessage => type.kind === 'message');
const requests = messages.filter(({ typeName }) => /^rapport\..*Request$/.test(typeName));
const party = 'parties/01890000-0000-7000-8000-000000000001';

/** What the slow way says of the same bytes. */
function isValid(desc: DescMessage, bytes: Uint8Array): boolean {
  let message: ReturnType<typeof fromBinary>;
  try {
    message = fromBinary(desc, bytes);
  } catch {
    return false;
  }
  return rangesOf(desc)(message).length === 0 && validator.validate(desc, message).kind === 'valid';
}

const uuid = '01890000-0000-7000-8000-000000000001';
const texts = fc.oneof(
  fc.constantFrom('', 'a', party, `${party}\n`, ` ${party}`, party.toUpperCase(), 'parties/x', uuid, uuid.slice(1)),
  fc.constantFrom(
    'segments/saver@3',
    'campaigns/',
    `imports/${uuid}`,
    '/berka/prague',
    'CZK',
    'services/customer',
    'é',
  ),
  fc.string({ maxLength: 20 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.integer({ min: 0, max: 3000 }).map((length) => 'x'.repeat(length)),
);
const values = fc.oneof(
  texts.map((text) => ({ wireType: 2, bytes: Buffer.from(text) })),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => ({ wireType: 2, bytes: Buffer.from(bytes) })),
  fc
    .oneof(fc.integer({ min: 0, max: 12 }), fc.nat(2000), fc.maxSafeNat())
    .map((number) => ({ wireType: 0, bytes: Buffer.from(new BinaryWriter().uint64(number).finish()) })),
  // A number longer than it need be, or without an end.
  fc
    .constantFrom([0x81, 0], [0x80, 0x80, 0], [0x80], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1])
    .map((bytes) => ({
      wireType: 0,
      bytes: Buffer.from(bytes),
    })),
  fc.constantFrom(1, 5, 3, 4, 7).map((wireType) => ({ wireType, bytes: Buffer.alloc(8) })),
);

function encoded(fields: readonly { number: number; wireType: number; bytes: Buffer }[]): Buffer {
  const parts = fields.map(({ number, wireType, bytes }) => {
    const head = new BinaryWriter().uint32((number << 3) | wireType);
    return Buffer.concat([wireType === 2 ? head.uint32(bytes.length).finish() : head.finish(), bytes]);
  });
  return Buffer.concat(parts);
}

/** A request of the type, near to what its fields take or far from it. */
function hostile(desc: DescMessage) {
  const known = desc.fields.map((field) => {
    const number = fc.nat(12).map((value) => ({ wireType: 0, bytes: Buffer.from([value]) }));
    const text = texts.map((value) => ({ wireType: 2, bytes: Buffer.from(value) }));
    const fitting = field.fieldKind === 'scalar' && field.scalar === ScalarType.STRING ? text : number;
    const value = fc.oneof({ weight: 5, arbitrary: fitting }, { weight: 1, arbitrary: values });
    return { weight: 5, arbitrary: value.map((one) => ({ number: field.number, ...one })) };
  });
  const unknown = fc.tuple(fc.integer({ min: 1, max: 40 }), values).map(([number, one]) => ({ number, ...one }));
  const field = fc.oneof(...known, { weight: 1, arbitrary: unknown });
  const whole = fc.array(field, { maxLength: 3 }).map(encoded);
  const bent = fc
    .tuple(whole, fc.nat(200), fc.nat(255), fc.boolean())
    .map(([bytes, at, value, cut]) =>
      cut
        ? bytes.subarray(0, Math.min(at, bytes.length))
        : Buffer.from(bytes.map((byte, index) => (index === at ? value : byte))),
    );
  return fc.oneof({ weight: 4, arbitrary: whole }, { weight: 1, arbitrary: bent });
}

test('what is surely valid is valid, for every request of every service and whatever the bytes', () => {
  let sure = 0;
  for (const desc of requests) {
    const quick = surelyValid(desc, registry);
    fc.assert(
      fc.property(hostile(desc), (bytes) => {
        if (!quick(bytes)) return;
        sure += 1;
        expect([desc.typeName, bytes.toString('hex'), isValid(desc, bytes)]).toEqual([
          desc.typeName,
          bytes.toString('hex'),
          true,
        ]);
      }),
      { numRuns: 500 },
    );
  }
  // The property says something only of what was sure.
  expect(sure).toBeGreaterThan(1000);
});

const requestOf = (name: string): DescMessage => registry.getMessage(`rapport.customer.v1.${name}`) as DescMessage;
const text = (number: number, value: string | Buffer) => ({ number, wireType: 2, bytes: Buffer.from(value) });
const count = (number: number, value: number) => ({ number, wireType: 0, bytes: Buffer.from([value]) });

test.each([
  ['GetPartyRequest', [text(1, party)]],
  ['GetCustomerViewRequest', [text(1, party), count(2, 20)]],
  ['GetCustomerViewRequest', [text(1, party)]],
  ['ListHoldingsRequest', [text(1, party)]],
])('a common %s is sure', (name, fields) => {
  expect(surelyValid(requestOf(name), registry)(encoded(fields))).toBe(true);
});

test.each([
  ['no name', []],
  ['a name of another kind', [text(1, `holdings/${uuid}`)]],
  ['a name with a line break', [text(1, `${party}\n`)]],
  ['a name twice', [text(1, party), text(1, party)]],
  ['an unknown field', [text(1, party), text(9, 'x')]],
  ['bytes that are not UTF-8', [text(1, Buffer.from([0xff]))]],
  ['a size out of range', [text(1, party), count(2, 127)]],
  ['a size as text', [text(1, party), text(2, '20')]],
])('%s is not', (_what, fields) => {
  expect(surelyValid(requestOf('GetCustomerViewRequest'), registry)(encoded(fields))).toBe(false);
});
