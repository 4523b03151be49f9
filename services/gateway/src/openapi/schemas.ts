import {
  type DescEnum,
  type DescField,
  type DescMessage,
  type FileRegistry,
  getOption,
  type JsonObject,
  ScalarType,
} from '@bufbuild/protobuf';

/** JSON Schemas (2020-12) of the messages in their proto3 JSON form, gathered as they are referred to. */
export interface Schemas {
  /** A schema that refers to the component of the message or enum. */
  refer(desc: DescMessage | DescEnum): JsonObject;
  field(field: DescField): JsonObject;
  /** An object schema with those fields of the message that are kept. */
  object(message: DescMessage, keep: (field: DescField) => boolean): JsonObject;
  isRequired(field: DescField): boolean;
  components: Record<string, JsonObject>;
}

const int64 = { type: 'string', format: 'int64', pattern: '^-?[0-9]{1,20}$' };
const integer = { type: 'integer', format: 'int32' };
const number = { type: ['number', 'string'], format: 'double' };

const scalars: Record<number, JsonObject> = {
  [ScalarType.DOUBLE]: number,
  [ScalarType.FLOAT]: number,
  [ScalarType.INT64]: int64,
  [ScalarType.UINT64]: int64,
  [ScalarType.SINT64]: int64,
  [ScalarType.FIXED64]: int64,
  [ScalarType.SFIXED64]: int64,
  [ScalarType.INT32]: integer,
  [ScalarType.UINT32]: integer,
  [ScalarType.SINT32]: integer,
  [ScalarType.FIXED32]: integer,
  [ScalarType.SFIXED32]: integer,
  [ScalarType.BOOL]: { type: 'boolean' },
  [ScalarType.STRING]: { type: 'string' },
  [ScalarType.BYTES]: { type: 'string', contentEncoding: 'base64' },
};

const wellKnown: Record<string, JsonObject> = {
  'google.protobuf.Timestamp': { type: 'string', format: 'date-time' },
  'google.protobuf.Duration': {
    type: 'string',
    pattern: '^-?[0-9]+(\\.[0-9]+)?s$',
  },
  'google.protobuf.FieldMask': { type: 'string' },
  'google.protobuf.Struct': { type: 'object' },
  'google.protobuf.Value': {},
  'google.protobuf.ListValue': { type: 'array' },
  'google.protobuf.Any': {
    type: 'object',
    properties: { '@type': { type: 'string' } },
  },
  'google.protobuf.StringValue': { type: ['string', 'null'] },
  'google.protobuf.BoolValue': { type: ['boolean', 'null'] },
  'google.protobuf.BytesValue': { type: ['string', 'null'] },
  'google.protobuf.Int32Value': { type: ['integer', 'null'] },
  'google.protobuf.UInt32Value': { type: ['integer', 'null'] },
  'google.protobuf.Int64Value': { type: ['string', 'null'] },
  'google.protobuf.UInt64Value': { type: ['string', 'null'] },
  'google.protobuf.DoubleValue': { type: ['number', 'null'] },
  'google.protobuf.FloatValue': { type: ['number', 'null'] },
};

const requiredBehavior = 2;
const outputOnlyBehavior = 3;

/** Schemas for the messages of `registry`; `comments` are descriptions by full name. */
export function createSchemas(registry: FileRegistry, comments: Record<string, string>): Schemas {
  const components: Record<string, JsonObject> = {};
  const behaviorExtension = registry.getExtension('google.api.field_behavior');
  const classExtension = registry.getExtension('rapport.type.v1.data_class');

  const behaviors = (field: DescField): number[] =>
    behaviorExtension ? (getOption(field, behaviorExtension) as unknown as number[]) : [];
  const described = (name: string): JsonObject => (comments[name] ? { description: comments[name] } : {});
  const isRequired = (field: DescField): boolean => behaviors(field).includes(requiredBehavior);

  const refer = (desc: DescMessage | DescEnum): JsonObject => {
    const known = wellKnown[desc.typeName];
    if (known) return known;
    if (!components[desc.typeName]) {
      // Reserved before it is filled: messages may refer to themselves.
      components[desc.typeName] = {};
      components[desc.typeName] = desc.kind === 'enum' ? enumeration(desc) : object(desc, () => true);
    }
    return { $ref: `#/components/schemas/${desc.typeName}` };
  };

  const enumeration = (desc: DescEnum): JsonObject => {
    const meanings = desc.values.flatMap(({ name }) => {
      const text = comments[`${desc.typeName}.${name}`];
      return text ? [`- \`${name}\`: ${text}`] : [];
    });
    const description = [comments[desc.typeName], meanings.join('\n')].filter(Boolean).join('\n\n');
    return {
      type: 'string',
      enum: desc.values.map(({ name }) => name),
      ...(description ? { description } : {}),
    };
  };

  const single = (field: DescField): JsonObject => {
    if (field.fieldKind === 'map') {
      const value = field.message ?? field.enum;
      return {
        type: 'object',
        additionalProperties: value ? refer(value) : (scalars[field.scalar ?? 0] ?? {}),
      };
    }
    const desc = field.message ?? field.enum;
    return desc ? refer(desc) : (scalars[field.scalar ?? 0] ?? {});
  };

  const fieldSchema = (field: DescField): JsonObject => {
    const dataClass = classExtension ? Number(getOption(field, classExtension)) : 0;
    return {
      ...(field.fieldKind === 'list' ? { type: 'array', items: single(field) } : single(field)),
      ...described(`${field.parent.typeName}.${field.name}`),
      ...(behaviors(field).includes(outputOnlyBehavior) ? { readOnly: true } : {}),
      ...(dataClass > 0 ? { 'x-rapport-data-class': `C${dataClass}` } : {}),
    };
  };

  const object = (message: DescMessage, keep: (field: DescField) => boolean): JsonObject => {
    const fields = message.fields.filter(keep);
    const required = fields.filter(isRequired).map((field) => field.jsonName);
    return {
      type: 'object',
      ...described(message.typeName),
      properties: Object.fromEntries(fields.map((field) => [field.jsonName, fieldSchema(field)])),
      ...(required.length > 0 ? { required } : {}),
    };
  };

  return { refer, field: fieldSchema, object, isRequired, components };
}
