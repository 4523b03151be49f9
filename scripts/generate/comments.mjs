// The comments of the contracts by the full name of what they describe, for documents that are made at run time from the
// descriptor image, which is shipped without them.
import { fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

// Field numbers in google.protobuf.FileDescriptorProto and below, of which the paths of source locations are made.
const file = { message: 4, enum: 5, service: 6 };
const message = { field: 2, nested: 3, enum: 4 };
const member = 2;

const nonEmpty = ([, text]) => text !== '';

function* inEnum(texts, type, name, path) {
  yield [name, texts(path)];
  for (const [at, { name: own }] of type.value.entries()) yield [`${name}.${own}`, texts([...path, member, at])];
}

function* inMessage(texts, type, name, path) {
  yield [name, texts(path)];
  for (const [at, { name: own }] of type.field.entries()) yield [`${name}.${own}`, texts([...path, message.field, at])];
  for (const [at, nested] of type.nestedType.entries()) {
    yield* inMessage(texts, nested, `${name}.${nested.name}`, [...path, message.nested, at]);
  }
  for (const [at, nested] of type.enumType.entries()) {
    yield* inEnum(texts, nested, `${name}.${nested.name}`, [...path, message.enum, at]);
  }
}

function* inFile(proto) {
  const locations = new Map(
    (proto.sourceCodeInfo?.location ?? []).map(({ path, leadingComments }) => [path.join('.'), leadingComments ?? '']),
  );
  const texts = (path) => (locations.get(path.join('.')) ?? '').trim().replace(/[ \t]*\n[ \t]*/g, ' ');
  const nameOf = ({ name }) => `${proto.package}.${name}`;
  for (const [at, type] of proto.messageType.entries()) yield* inMessage(texts, type, nameOf(type), [file.message, at]);
  for (const [at, type] of proto.enumType.entries()) yield* inEnum(texts, type, nameOf(type), [file.enum, at]);
  for (const [at, type] of proto.service.entries()) {
    yield [nameOf(type), texts([file.service, at])];
    for (const [index, { name }] of type.method.entries()) {
      yield [`${nameOf(type)}.${name}`, texts([file.service, at, member, index])];
    }
  }
}

/** The JSON text of `{ "<full name>": "<comment>" }` for everything in our packages of a commented descriptor image. */
export function comments(image) {
  const ours = fromBinary(FileDescriptorSetSchema, image).file.filter((proto) => proto.package.startsWith('rapport.'));
  const found = ours.flatMap((proto) => [...inFile(proto)]).filter(nonEmpty);
  const sorted = found.sort(([a], [b]) => (a < b ? -1 : 1));
  return `${JSON.stringify(Object.fromEntries(sorted), null, 1)}\n`;
}
