import { createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { pathToString } from '@bufbuild/protobuf/reflect';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { createValidator } from '@bufbuild/protovalidate';
import { Failure, type Violation } from './failure.js';
import { rangesOf } from './ranges.js';

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
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, image));
  const validator = createValidator({ registry });

  function inputOf(method: string) {
    const [service, name] = method.split('/');
    const found = registry.getService(service ?? '')?.methods.find((candidate) => candidate.name === name);
    if (!found) return undefined;
    // Messages of a stream bring rows, whose values their handler judges one by one.
    const ranges = found.methodKind === 'client_streaming' ? () => [] : rangesOf(found.input);
    return { desc: found.input, ranges };
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
      if (!input) return;
      let message: ReturnType<typeof fromBinary>;
      try {
        message = fromBinary(input.desc, bytes);
      } catch (error) {
        throw malformed(error);
      }
      const outside = input.ranges(message);
      if (outside.length > 0) throw broken(outside);
      const result = validator.validate(input.desc, message);
      if (result.kind === 'valid') return;
      if (result.kind === 'error') throw result.error;
      throw broken(result.violations.map((v) => ({ field: pathToString(v.field), description: v.message })));
    },
  };
}

function broken(violations: Violation[]): Failure {
  return new Failure('REQUEST_INVALID', 'invalid', 'The request breaks the rules of its contract.', { violations });
}

/** The failure for bytes that are no message of the expected type. */
export function malformed(cause: unknown): Failure {
  return new Failure('REQUEST_MALFORMED', 'invalid', 'The request is not a message of the expected type.', { cause });
}
