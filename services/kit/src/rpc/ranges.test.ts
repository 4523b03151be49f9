import {
  createFileRegistry,
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonObject,
  toBinary,
} from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { descriptorSet } from '@rapport/proto';
import { ListDeadLettersRequest } from '@rapport/proto/operations/v1';
import { Failure, requestValidator } from './index.js';

const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptorSet()));
const { validate } = requestValidator(descriptorSet());
const customer = 'rapport.customer.v1';
const party = 'parties/01890000-0000-7000-8000-000000000001';
const requestId = '01890000-0000-7000-8000-000000000002';

function refused(method: string, bytes: Uint8Array): string[] {
  try {
    validate(method, bytes);
    return [];
  } catch (error) {
    if (!(error instanceof Failure) || error.reason !== 'REQUEST_INVALID') throw error;
    return error.violations.map(({ field, description }) => `${field} ${description}`);
  }
}

const listSince = (since: Date): string[] => {
  const request = ListDeadLettersRequest.fromPartial({ parent: 'services/customer', filter: { since } });
  return refused(
    'rapport.operations.v1.OperationsService/ListDeadLetters',
    ListDeadLettersRequest.encode(request).finish(),
  );
};

test.each([-8.64e15, 8.64e15, Date.parse('+010000-01-01'), Date.parse('0001-01-01') - 1])(
  'the time %d is refused',
  (ms) => {
    expect(listSince(new Date(ms))).toEqual(['filter.since must be a time in the years 1 to 9999']);
  },
);

test.each(['0001-01-01', '1970-01-01', '9999-12-31T23:59:59.999Z'])('the time %s is not', (text) => {
  expect(listSince(new Date(text))).toEqual([]);
});

test.each([
  { year: 2_147_483_647, month: 1, day: 1 },
  { year: 2024, month: 13, day: 1 },
  { year: 2024, month: 1, day: -1 },
])('the date %j is refused, also deep inside of a message', (birthDate) => {
  const desc = registry.getMessage(`${customer}.UpdatePartyRequest`) as DescMessage;
  const json: JsonObject = {
    requestId,
    updateMask: 'person',
    party: { name: party, person: { givenName: 'x', familyName: 'y', birthDate } },
  };
  const bytes = toBinary(desc, fromJson(desc, json, { registry }));
  expect(refused(`${customer}.CustomerService/UpdateParty`, bytes)).toContain(
    'party.person.birth_date must be a date in the years 1 to 9999',
  );
});
