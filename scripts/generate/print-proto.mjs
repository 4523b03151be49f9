// Prints a proto2 or proto3 source file from its descriptor. Needed for buf/validate/validate.proto, which no npm
// package carries as text, only as the descriptor inside @bufbuild/protovalidate.
import { getExtension, hasExtension, ScalarType } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';

const labels = { 1: 'optional', 2: 'required', 3: 'repeated' };
const scalars = Object.fromEntries(
  Object.entries(ScalarType)
    .filter(([, id]) => typeof id === 'number')
    .map(([name, id]) => [id, name.toLowerCase()]),
);
// An unset proto2 field reads as its default, 0, which is also the first oneof.
const inOneof = (field) => Object.hasOwn(field, 'oneofIndex');

const lastReserved = 536870911;

/** The source text of `file` (a DescFile of @bufbuild/protobuf). `extensions`: the custom options that it uses. */
export function printProto(file, extensions) {
  const { proto } = file;
  const out = [`syntax = "${proto.syntax || 'proto2'}";`, '', `package ${proto.package};`, ''];
  const print = (depth, line) => out.push('  '.repeat(depth) + line);
  for (const dependency of proto.dependency) print(0, `import "${dependency}";`);

  const options = (options) => {
    if (!options) return [];
    const known = reflectFields(options).map(([name, value]) => `${name} = ${value}`);
    const custom = extensions
      .filter((extension) => extension.extendee.typeName === options.$typeName && hasExtension(options, extension))
      .flatMap((extension) => {
        const message = reflect(extension.message, getExtension(options, extension));
        return message.fields
          .filter((field) => message.isSet(field))
          .flatMap((field) => {
            const value = message.get(field);
            const values = field.fieldKind === 'list' ? [...value] : [value];
            return values.map((each) => `(${extension.typeName}).${field.name} = ${literal(each)}`);
          });
      });
    return [...known, ...custom];
  };

  const printField = (depth, field, withLabel) => {
    const type = field.typeName ? field.typeName : scalars[field.type];
    const list = options(field.options);
    if (field.defaultValue) list.unshift(`default = ${field.defaultValue}`);
    const suffix = list.length ? ` [${list.join(', ')}]` : '';
    print(depth, `${withLabel ? `${labels[field.label]} ` : ''}${type} ${field.name} = ${field.number}${suffix};`);
  };

  const printEnum = (depth, declared) => {
    print(depth, `enum ${declared.name} {`);
    for (const value of declared.value) print(depth + 1, `${value.name} = ${value.number};`);
    print(depth, '}');
  };

  const printExtensions = (depth, declared) => {
    for (const extension of declared) {
      print(depth, `extend ${extension.extendee} {`);
      printField(depth + 1, extension, true);
      print(depth, '}');
    }
  };

  const printMessage = (depth, message) => {
    print(depth, `message ${message.name} {`);
    for (const option of options(message.options)) print(depth + 1, `option ${option};`);
    for (const nested of message.nestedType) {
      if (nested.options?.mapEntry) throw new Error(`${message.name}: map fields are not printed`);
      printMessage(depth + 1, nested);
    }
    for (const nested of message.enumType) printEnum(depth + 1, nested);
    for (const field of message.field) if (!inOneof(field)) printField(depth + 1, field, true);
    message.oneofDecl.forEach((oneof, index) => {
      print(depth + 1, `oneof ${oneof.name} {`);
      for (const option of options(oneof.options)) print(depth + 2, `option ${option};`);
      for (const field of message.field)
        if (inOneof(field) && field.oneofIndex === index) printField(depth + 2, field, false);
      print(depth + 1, '}');
    });
    for (const { start, end } of message.extensionRange) {
      print(depth + 1, `extensions ${start} to ${end > lastReserved ? 'max' : end - 1};`);
    }
    for (const { start, end } of message.reservedRange) print(depth + 1, `reserved ${start} to ${end - 1};`);
    for (const name of message.reservedName) print(depth + 1, `reserved "${name}";`);
    printExtensions(depth + 1, message.extension);
    print(depth, '}');
  };

  for (const option of options(proto.options)) print(0, `option ${option};`);
  for (const declared of proto.enumType) printEnum(0, declared);
  for (const message of proto.messageType) printMessage(0, message);
  printExtensions(0, proto.extension);
  return `${out.join('\n')}\n`;
}

// Options that are fields of the google.protobuf.*Options messages themselves, in snake case.
function reflectFields(options) {
  return Object.entries(options)
    .filter(
      ([name, value]) => !name.startsWith('$') && !(Array.isArray(value) && value.length === 0) && name !== 'mapEntry',
    )
    .map(([name, value]) => {
      if (typeof value === 'object') throw new Error(`option ${name} is not printed`);
      return [
        name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
        typeof value === 'string' ? JSON.stringify(value) : value,
      ];
    });
}

// The text format of an option's value.
function literal(value) {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value !== 'object') return String(value);
  const fields = value.fields.filter((field) => value.isSet(field));
  return `{${fields.map((field) => `${field.name}: ${literal(value.get(field))}`).join(', ')}}`;
}
