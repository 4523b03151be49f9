import { createFileRegistry, type FileRegistry, fromBinary, toBinary } from '@bufbuild/protobuf';
import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { type Server, type ServerDuplexStream, type ServiceDefinition, status as Status } from '@grpc/grpc-js';

/*
 * Server reflection of our own, because @grpc/reflection 1.0.4 merges the files of a package into one, under the name
 * of one of them and without imports, so that clients cannot resolve a service whose package has several files. Here a
 * client gets the files of the descriptor image byte for byte.
 */

interface Question {
  kind: 'file' | 'symbol' | 'extension' | 'extensionsOf' | 'services' | 'unknown';
  name: string;
  number: number;
  original: Buffer;
}

const kinds: Readonly<Record<number, Question['kind']>> = {
  3: 'file',
  4: 'symbol',
  5: 'extension',
  6: 'extensionsOf',
  7: 'services',
};

/** Reads grpc.reflection.v1.ServerReflectionRequest. */
function readQuestion(bytes: Buffer): Question {
  const question: Question = { kind: 'unknown', name: '', number: 0, original: bytes };
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    const kind = kinds[field];
    if (!kind) {
      reader.skip(wireType);
      continue;
    }
    question.kind = kind;
    if (kind !== 'extension') {
      question.name = reader.string();
      continue;
    }
    const inner = new BinaryReader(reader.bytes());
    while (inner.pos < inner.len) {
      const [innerField, innerType] = inner.tag();
      if (innerField === 1) question.name = inner.string();
      else if (innerField === 2) question.number = inner.int32();
      else inner.skip(innerType);
    }
  }
  return question;
}

type Answer =
  | { files: readonly Uint8Array[] }
  | { type: string; numbers: readonly number[] }
  | { services: readonly string[] }
  | { code: Status; text: string };

/** Writes grpc.reflection.v1.ServerReflectionResponse. */
function writeAnswer({ question, answer }: { question: Question; answer: Answer }): Buffer {
  const writer = new BinaryWriter().tag(2, 2).bytes(question.original);
  if ('files' in answer) {
    writer.tag(4, 2).fork();
    for (const file of answer.files) writer.tag(1, 2).bytes(file);
  } else if ('numbers' in answer) {
    writer.tag(5, 2).fork().tag(1, 2).string(answer.type);
    for (const number of answer.numbers) writer.tag(2, 0).int32(number);
  } else if ('services' in answer) {
    writer.tag(6, 2).fork();
    for (const name of answer.services) writer.tag(1, 2).fork().tag(1, 2).string(name).join();
  } else {
    writer.tag(7, 2).fork().tag(1, 0).int32(answer.code).tag(2, 2).string(answer.text);
  }
  return Buffer.from(writer.join().finish());
}

/** The name of the file that declares a symbol: a type, or a member of one. */
function fileOf(registry: FileRegistry, symbol: string): string | undefined {
  const owner = symbol.slice(0, symbol.lastIndexOf('.'));
  const declared = registry.get(symbol) ?? registry.get(owner);
  return declared?.file.proto.name;
}

function answerer(image: Uint8Array, services: readonly string[]): (question: Question) => Answer {
  const set = fromBinary(FileDescriptorSetSchema, image);
  const registry = createFileRegistry(set);
  const files = new Map(
    set.file.map((file) => [file.name, { bytes: toBinary(FileDescriptorProtoSchema, file), imports: file.dependency }]),
  );

  /** A file and all that it imports, each once. */
  function withImports(name: string | undefined, missing: string): Answer {
    const found = new Map<string, Uint8Array>();
    const wanted = name === undefined ? [] : [name];
    for (const next of wanted) {
      const file = files.get(next);
      if (!file || found.has(next)) continue;
      found.set(next, file.bytes);
      wanted.push(...file.imports);
    }
    if (found.size === 0) return { code: Status.NOT_FOUND, text: `not found: ${missing}` };
    return { files: [...found.values()] };
  }

  function extensionsOf(type: string) {
    return [...registry].filter((entry) => entry.kind === 'extension').filter((e) => e.extendee.typeName === type);
  }

  return ({ kind, name, number }) => {
    if (kind === 'services') return { services };
    if (kind === 'file') return withImports(name, name);
    if (kind === 'symbol') return withImports(fileOf(registry, name), name);
    if (kind === 'extension') {
      const extension = extensionsOf(name).find((entry) => entry.number === number);
      return withImports(extension?.file.proto.name, `${name} ${number}`);
    }
    if (kind === 'extensionsOf' && registry.getMessage(name)) {
      return { type: name, numbers: extensionsOf(name).map((entry) => entry.number) };
    }
    return { code: Status.NOT_FOUND, text: `not found: ${name}` };
  };
}

const method = {
  requestStream: true,
  responseStream: true,
  requestSerialize: (bytes: Buffer) => bytes,
  requestDeserialize: readQuestion,
  responseSerialize: writeAnswer,
  responseDeserialize: (bytes: Buffer) => bytes,
};

/** Adds gRPC server reflection, v1 and v1alpha, for the named services of a descriptor image. It is open to everybody. */
export function addReflection(server: Server, image: Uint8Array, services: readonly string[]): void {
  // Made for the first who asks: a registry of the image takes some 10 MB, and few servers are ever asked.
  let made: ReturnType<typeof answerer> | undefined;
  const answer = (question: Question): Answer => {
    made ??= answerer(image, services);
    return made(question);
  };
  for (const version of ['v1', 'v1alpha']) {
    const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
    server.addService({ serverReflectionInfo: { ...method, path } } as unknown as ServiceDefinition, {
      serverReflectionInfo: (call: ServerDuplexStream<Question, { question: Question; answer: Answer }>) => {
        call.on('data', (question: Question) => call.write({ question, answer: answer(question) }));
        call.on('end', () => call.end());
      },
    });
  }
}
