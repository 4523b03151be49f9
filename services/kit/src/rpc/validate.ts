import {
  clone,
  createFileRegistry,
  type FileRegistry,
  fromBinary,
  getExtension,
  hasExtension,
  isFieldSet,
} from '@bufbuild/protobuf';
import { pathToString } from '@bufbuild/protobuf/reflect';
import {
  type FieldDescriptorProto,
  FieldDescriptorProtoSchema,
  type FileDescriptorSet,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';
import { createValidator } from '@bufbuild/protovalidate';
import { Failure, type Violation } from './failure.js';
import { rangesOf } from './ranges.js';
import { surelyValid } from './surely-valid.js';

/** Checks the encoded request of a method against the rules of its contract; throws an INVALID_ARGUMENT failure. */
export type Validate = (method: string, bytes: Uint8Array) => void;

interface RequestValidator {
  validate: Validate;
  covers(method: string): boolean;
}

/** The types and compiled rules of an image take some 10 MB, so that each image gets one validator. */
const validators = new WeakMap<Uint8Array, RequestValidator>();

/**
 * Gives the check of requests, from a descriptor image (google.protobuf.FileDescriptorSet, imports included). Methods
 * that the image does not know are refused when the server starts: `covers` says so.
 */
export function requestValidator(image: Uint8Array): RequestValidator {
  const known = validators.get(image);
  if (known) return known;
  const made = makeValidator(image);
  validators.set(image, made);
  return made;
}

function makeValidator(image: Uint8Array): RequestValidator {
  const files = fromBinary(FileDescriptorSetSchema, image);
  const registry = createFileRegistry(files);
  const validator = createValidator({ registry });

  function inputOf(method: string) {
    const [service, name] = method.split('/');
    const found = registry.getService(service ?? '')?.methods.find((candidate) => candidate.name === name);
    if (!found) return undefined;
    if (found.methodKind !== 'client_streaming') {
      const { input } = found;
      return { desc: input, sure: surelyValid(input, registry), ranges: rangesOf(input), validator };
    }
    // Messages of a stream bring rows, whose values their handler judges one by one.
    const bare = withoutIgnored(files, registry);
    const desc = bare.getMessage(found.input.typeName) ?? found.input;
    return { desc, sure: () => false, ranges: () => [], validator: createValidator({ registry: bare }) };
  }
  const inputs = new Map<string, ReturnType<typeof inputOf>>();

  return {
    covers: (method) => inputOf(method) !== undefined,
    validate: (method, bytes) => {
      let input = inputs.get(method);
      if (!input) {
        input = inputOf(method);
        inputs.set(method, input);
      }
      if (!input || input.sure(bytes)) return;
      let message: ReturnType<typeof fromBinary>;
      try {
        message = fromBinary(input.desc, bytes, { readUnknownFields: false });
      } catch (error) {
        throw malformed(error);
      }
      const outside = input.ranges(message);
      if (outside.length > 0) throw broken(outside);
      const result = input.validator.validate(input.desc, message);
      if (result.kind === 'valid') return;
      if (result.kind === 'error') throw result.error;
      throw broken(result.violations.map((v) => ({ field: pathToString(v.field), description: v.message })));
    },
  };
}

const IGNORE_ALWAYS = 3;

/**
 * The types of an image without the fields to which no rule applies: what is not known is passed over, where it would
 * otherwise be decoded and never looked at. A message with rules of its own, which may speak of any field, stays whole.
 */
function withoutIgnored(files: FileDescriptorSet, registry: FileRegistry): FileRegistry {
  const ofField = registry.getExtension('buf.validate.field');
  const ofMessage = registry.getExtension('buf.validate.message');
  if (!ofField || !ofMessage) return registry;
  const ignored = ({ options }: FieldDescriptorProto): boolean =>
    options !== undefined &&
    hasExtension(options, ofField) &&
    (getExtension(options, ofField) as { ignore?: number }).ignore === IGNORE_ALWAYS;
  const bare = clone(FileDescriptorSetSchema, files);
  for (const type of bare.file.flatMap((file) => file.messageType)) {
    if (type.options && hasExtension(type.options, ofMessage)) continue;
    const oneofOf = (field: FieldDescriptorProto) =>
      isFieldSet(field, FieldDescriptorProtoSchema.field.oneofIndex) ? type.oneofDecl[field.oneofIndex] : undefined;
    // Whether a oneof that must be set is set shows only when all of its fields are known.
    const kept = type.field.filter((field) => !ignored(field) || oneofOf(field)?.options !== undefined);
    const oneofs = kept.map(oneofOf);
    type.oneofDecl = type.oneofDecl.filter((oneof) => oneofs.includes(oneof));
    for (const [index, field] of kept.entries()) {
      const oneof = oneofs[index];
      if (oneof) field.oneofIndex = type.oneofDecl.indexOf(oneof);
    }
    type.field = kept;
  }
  return createFileRegistry(bare);
}

function broken(violations: Violation[]): Failure {
  return new Failure('REQUEST_INVALID', 'invalid', 'The request breaks the rules of its contract.', { violations });
}

/** The failure for bytes that are no message of the expected type. */
export function malformed(cause: unknown): Failure {
  return new Failure('REQUEST_MALFORMED', 'invalid', 'The request is not a message of the expected type.', { cause });
}
