import {
  type DescExtension,
  type DescField,
  type DescMessage,
  fromBinary,
  fromJson,
  getExtension,
  type JsonValue,
  ScalarType,
  toBinary,
} from '@bufbuild/protobuf';
import { type ReflectList, type ReflectMap, type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import { Failure, requestValidator } from '@rapport/kit/rpc';
import { descriptorSet } from '@rapport/proto';
import { registry } from './methods.js';

const { validate } = requestValidator(descriptorSet());

/** The fields that a request breaks a rule in, by its contract alone; `undefined` for a request that breaks none. */
export function brokenFields(method: string, bytes: Uint8Array): string[] | undefined {
  try {
    validate(method, bytes);
    return undefined;
  } catch (error) {
    if (error instanceof Failure) return error.violations.map(({ field }) => field);
    throw error;
  }
}

type Value = string | number | bigint | boolean | Uint8Array;

/** The way to one field of a request: through messages, the first item of each list, one entry of each map. */
export interface Leaf {
  /** As violations name it: `party.contact_points[0].email`. */
  path: string;
  steps: readonly DescField[];
  field: DescField;
}

const DEPTH = 6;

const OUTPUT_ONLY = 3;
const behaviour = registry.getExtension('google.api.field_behavior') as DescExtension;

/** Says whether only the service fills a field: what a caller puts there is ignored. */
const isOutput = (field: DescField): boolean =>
  field.proto.options !== undefined && (getExtension(field.proto.options, behaviour) as number[]).includes(OUTPUT_ONLY);

/** Every field of a message that holds a caller's value, nested ones too; a message within itself is followed once. */
export function* leavesOf(message: DescMessage, steps: readonly DescField[] = [], prefix = ''): Generator<Leaf> {
  for (const field of message.fields) {
    if (isOutput(field)) continue;
    const path = `${prefix}${field.name}${field.fieldKind === 'list' ? '[0]' : ''}`;
    const inner = field.message;
    if (!inner) yield { path, steps, field };
    else if (field.fieldKind !== 'map' && steps.length < DEPTH && !steps.some((step) => step.message === inner))
      yield* leavesOf(inner, [...steps, field], `${path}.`);
  }
}

/** The message that a step leads to, made when it is not there. */
function enter(from: ReflectMessage, step: DescField): ReflectMessage {
  const made = () => reflect(step.message as DescMessage);
  if (step.fieldKind === 'list') {
    const list = from.get(step) as ReflectList;
    if (list.size === 0) list.add(made());
    return list.get(0) as ReflectMessage;
  }
  if (!from.isSet(step)) from.set(step, made());
  return from.get(step) as ReflectMessage;
}

/** Sets the field at the end of a way. */
export function put(request: ReflectMessage, { steps, field }: Leaf, value: Value): void {
  const holder = steps.reduce(enter, request);
  if (field.fieldKind === 'list') {
    const list = holder.get(field) as ReflectList;
    if (list.size > 0) list.set(0, value);
    else list.add(value);
  } else if (field.fieldKind === 'map') {
    (holder.get(field) as ReflectMap).set('key', value);
  } else holder.set(field, value);
}

export const newRequest = (message: DescMessage): ReflectMessage => reflect(message);
export const encode = (request: ReflectMessage): Buffer =>
  Buffer.from(toBinary(request.desc, request.message as never, { writeUnknownFields: false }));
export const copy = (request: ReflectMessage): ReflectMessage =>
  reflect(request.desc, fromBinary(request.desc, encode(request)));

export const isText = ({ field }: Leaf): boolean => scalarOf(field) === ScalarType.STRING;
export const isEnum = ({ field }: Leaf): boolean => field.enum !== undefined;

export function scalarOf(field: DescField): ScalarType | undefined {
  if (field.fieldKind === 'scalar') return field.scalar;
  if (field.fieldKind === 'list' && field.listKind === 'scalar') return field.scalar;
  if (field.fieldKind === 'map' && field.mapKind === 'scalar') return field.scalar;
  return undefined;
}

const ID = '0190d8b4-3c5e-7c1a-9a54-0b1f6f0d2a11';
/** Texts that some rule of the contracts accepts, tried in this order. */
const texts = [
  'contract',
  ID,
  ...[
    'parties',
    'campaigns',
    'offers',
    'cases',
    'imports',
    'referrals',
    'deliveries',
    'suppressions',
    'households',
    'matchCandidates',
    'matchRuns',
    'schemeRuns',
    'dataSubjectRequests',
  ].map((collection) => `${collection}/${ID}`),
  ...[
    'segments',
    'schemes',
    'staticLists',
    'products',
    'templates',
    'staff',
    'organisationUnits',
    'plans',
    'kpiPlans',
    'caseTypes',
  ].flatMap((collection) => [`${collection}/contract`, `${collection}/contract@1`]),
  ...['calendars', 'dashboards', 'metrics', 'segmentTemplates', 'consumers', 'services', 'reports', 'sources'].map(
    (name) => `${name}/contract`,
  ),
  `parties/${ID}/holdings/${ID}`,
  `parties/${ID}/holdings/${ID}/transactions/${ID}`,
  `parties/${ID}/interactions/${ID}`,
  `parties/${ID}/consents/${ID}`,
  `parties/${ID}/legalHolds/${ID}`,
  `parties/${ID}/relationships/${ID}`,
  `parties/${ID}/sourceRecords/${ID}`,
  `parties/${ID}/tags/contract`,
  `parties/${ID}/lifeEvents/${ID}`,
  `parties/${ID}/goals/${ID}`,
  `staticLists/contract/uploads/${ID}`,
  'tagDefinitions/contract',
  `staticLists/contract/uploads/${ID}`,
  `services/customer/deadLetters/${ID}`,
  `scoringRuns/${ID}`,
  '/contract',
  'party.age > 1',
  'CZK',
  'en',
  'CZ',
  'Europe/Prague',
  '08:00',
  'customer@example.test',
  '+420601123456',
  'email',
  'region',
];

/** What no single value mends: rules over several fields at once. In the JSON of the contract. */
const starts: Record<string, JsonValue> = {
  'CustomerService/CreateParty': {
    party: { person: { givenName: 'Given', familyName: 'Family' }, organisationPath: '/contract' },
  },
  'SourceService/CreateSource': { source: { name: 'sources/contract', kind: 1 } },
  'SourceService/UpdateSource': { source: { name: 'sources/contract', etag: 'x' }, updateMask: 'priority' },
  'ReferenceService/BatchResolveParties': { references: [{ party: `parties/${ID}` }] },
  'PrivacyService/RevealField': { field: 'display_name' },
  'PrivacyService/PlaceLegalHold': { legalHold: { endTime: '2099-01-01T00:00:00Z' } },
  'CustomerService/UpdateParty': { party: { name: `parties/${ID}`, etag: 'x' }, updateMask: 'region' },
  'CustomerService/CreateHolding': {
    holding: { account: { currencyCode: 'CZK' }, openedDate: { year: 1994, month: 3, day: 31 } },
  },
  'CustomerService/BookTransaction': { transaction: { bookingDate: { year: 1994, month: 3, day: 31 } } },
  'SpendingService/GetSpending': {
    startDate: { year: 1994, month: 3, day: 1 },
    endDate: { year: 1994, month: 4, day: 1 },
  },
  'SegmentationService/PreviewChanges': {
    from: { year: 1994, month: 3, day: 1 },
    to: { year: 1994, month: 3, day: 31 },
  },
  'SegmentationService/GetSegmentFlows': { from: { year: 1994, month: 3, day: 1 } },
  'MarketingService/CreateReferral': { referral: { fromStaff: 'staff/one', toStaff: 'staff/two' } },
  'PerformanceService/CreatePlan': {
    plan: { startDate: { year: 1994, month: 1, day: 1 }, endDate: { year: 1994, month: 12, day: 31 } },
  },
};

function* candidates(leaf: Leaf): Generator<Value> {
  if (leaf.field.enum) {
    for (const { number } of leaf.field.enum.values) if (number !== 0) yield number;
    return;
  }
  switch (scalarOf(leaf.field)) {
    case ScalarType.STRING:
      yield* texts;
      return;
    case ScalarType.BOOL:
      yield true;
      return;
    case ScalarType.BYTES:
      yield new Uint8Array([1]);
      return;
    case ScalarType.INT64:
    case ScalarType.UINT64:
      yield* [1n, 10n, 1994n];
      return;
    default:
      yield* [1, 12, 100, 1994];
  }
}

const without = (path: string): string => path.replace(/\[\d+\]|\["[^"]*"\]/g, '');

/**
 * A request that keeps every rule of its contract, with as little in it as the rules demand. Found by mending: for each
 * field that the rules complain about, values are tried until they do not. Throws when none is found.
 */
export function validRequest(method: string, input: DescMessage): ReflectMessage {
  const start = starts[method.slice(method.lastIndexOf('.') + 1)];
  const request = start ? reflect(input, fromJson(input, start, { registry })) : newRequest(input);
  const leaves = [...leavesOf(input)];
  for (let round = 0; round < 60; round += 1) {
    const broken = brokenFields(method, encode(request));
    if (!broken) return request;
    if (!broken.some((path) => mend(method, request, leaves, without(path)))) {
      throw new Error(`no values were found for ${method}: ${broken.join(', ')}`);
    }
  }
  throw new Error(`${method} could not be mended`);
}

const complaints = (method: string, request: ReflectMessage, path: string): number =>
  brokenFields(method, encode(request))?.filter((one) => without(one) === path).length ?? 0;

/** Makes one complaint less about `path`: by a value at it, or below it when it is a message or a oneof. */
function mend(method: string, request: ReflectMessage, leaves: readonly Leaf[], path: string): boolean {
  const before = complaints(method, request, path);
  const parent = path.includes('.') ? path.slice(0, path.lastIndexOf('.') + 1) : '';
  const inside = leaves.filter((leaf) => without(leaf.path) === path || without(leaf.path).startsWith(`${path}.`));
  // a complaint about a oneof names no field but the oneof: any member will do
  for (const leaf of inside.length > 0 ? inside : leaves.filter((one) => without(one.path).startsWith(parent))) {
    for (const value of candidates(leaf)) {
      const tried = copy(request);
      put(tried, leaf, value);
      if (complaints(method, tried, path) < before) {
        put(request, leaf, value);
        return true;
      }
    }
  }
  return false;
}
