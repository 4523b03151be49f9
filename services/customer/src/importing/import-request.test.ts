import { Failure, requestValidator } from '@rapport/kit/rpc';
import { descriptorSet } from '@rapport/proto';
import { ImportRequest } from '@rapport/proto/customer/v1';

const { validate } = requestValidator(descriptorSet());

function refusedFields(request: object): string[] {
  try {
    validate(
      'rapport.customer.v1.CustomerService/Import',
      ImportRequest.encode(ImportRequest.fromPartial(request)).finish(),
    );
    return [];
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return error.violations.map(({ field }) => field);
  }
}

const batch = (rows: object[]) => ({ part: { $case: 'batch', value: { rows } } });
const row = { $case: 'transaction', value: { sourceKey: '', transaction: { amount: { minorUnits: -1n } } } };

test('the rows of a stream are not judged, the messages that bring them are', () => {
  expect(refusedFields(batch([{ line: 1n, row }]))).toEqual([]);
  expect(refusedFields(batch([{ line: 0n, row }]))).toEqual(['batch.rows[0].line']);
  expect(refusedFields(batch([]))).toEqual(['batch.rows']);
  expect(refusedFields({})).toEqual(['part']);
  expect(refusedFields({ part: { $case: 'header', value: {} } }).length).toBeGreaterThan(0);
});
