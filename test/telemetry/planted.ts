import { randomBytes, randomUUID } from 'node:crypto';
import { type ClientOf, client } from '@rapport/kit/rpc';
import {
  CustomerServiceService,
  Import,
  type ImportKind,
  ImportRequest,
  importKindFromJSON,
} from '@rapport/proto/customer/v1';
import type { TestSuite } from '@rapport/test/kit';

/** Values of one invented customer that occur nowhere else; any trace of them outside of the data is a leak. */
export const planted = {
  givenName: 'Xaverine',
  familyName: 'Plantedovna',
  email: 'xp.planted@mailbox.test',
  phone: '+420777123987',
  street: 'Hidden Lane 4711',
  birthYear: 1951,
} as const;

/** What must not be found, as somebody would search for it. */
export const plantedValues = ['Xaverine', 'Plantedovna', 'xp.planted', '777123987', 'Hidden Lane'];

const BANK = 'demo';
const ORGANISATION = `/${BANK}`;

type Customer = ClientOf<typeof CustomerServiceService>;

export function openCustomer(suite: TestSuite): Customer {
  return client({ service: CustomerServiceService }, suite.grpc('customer'), {
    identity: { token: async () => suite.token({ sub: 'staff/operator', roles: ['operator'], signedBy: 'operator' }) },
    timeoutMs: 20_000,
  });
}

export interface TraceParent {
  traceId: string;
  spanId: string;
}
export const newTrace = (): TraceParent => ({
  traceId: randomBytes(16).toString('hex'),
  spanId: randomBytes(8).toString('hex'),
});

/** Imports rows, given in the JSON of the contract, under a trace. */
async function importRows(
  customer: Customer,
  kind: keyof typeof ImportKind,
  rows: unknown[],
  { traceId, spanId }: TraceParent,
): Promise<Import> {
  async function* messages(): AsyncGenerator<ImportRequest> {
    const header = { importId: randomUUID(), source: BANK, organisationPath: ORGANISATION, file: 'planted.asc', kind };
    yield ImportRequest.fromJSON({ header });
    yield ImportRequest.fromJSON({ batch: { rows: rows.map((row, at) => ({ line: at + 1, ...(row as object) })) } });
  }
  const metadata = { traceparent: `00-${traceId}-${spanId}-01` };
  const { import: done } = await customer.import(messages(), { metadata });
  const [count] = done?.counts ?? [];
  if (!done || count?.kind !== importKindFromJSON(kind) || Number(count.created) !== rows.length)
    throw new Error(`the import of ${kind} took ${JSON.stringify(Import.toJSON(done as Import))}`);
  return done;
}

const money = (minorUnits: number) => ({ minorUnits: String(minorUnits), currencyCode: 'EUR' });

/** Brings the customer, an account and a consent to marketing into the generated bank. Gives the party's name. */
export async function plantCustomer(customer: Customer, branch: { path: string; id: string }): Promise<string> {
  await importRows(customer, 'IMPORT_KIND_PARTY', [{ party: partyRow(branch) }], newTrace());
  const holding = {
    sourceKey: 'account/planted',
    ownerSourceKey: 'client/planted',
    holding: {
      account: { statementFrequency: 'STATEMENT_FREQUENCY_MONTHLY', currencyCode: 'EUR' },
      openedDate: { year: 2020, month: 1, day: 2 },
    },
  };
  await importRows(customer, 'IMPORT_KIND_HOLDING', [{ holding }], newTrace());
  const consent = {
    partySourceKey: 'client/planted',
    consent: {
      purpose: 'marketing',
      channel: 'CHANNEL_EMAIL',
      state: 'CONSENT_STATE_GRANTED',
      textVersion: '2026-01',
      effectiveTime: '2026-01-02T08:00:00Z',
    },
  };
  await importRows(customer, 'IMPORT_KIND_CONSENT', [{ consent }], newTrace());
  const { parties } = await customer.listParties({
    pageSize: 10,
    pageToken: '',
    organisationPath: ORGANISATION,
    relationshipManager: '',
    kind: 0,
    region: '',
    source: BANK,
    sourceKey: 'client/planted',
  });
  const [party] = parties;
  if (!party) throw new Error('the planted party is not there');
  return party.name;
}

function partyRow({ path, id }: { path: string; id: string }) {
  return {
    sourceKey: 'client/planted',
    party: {
      person: {
        givenName: planted.givenName,
        familyName: planted.familyName,
        sex: 'SEX_FEMALE',
        birthDate: { year: planted.birthYear, month: 4, day: 5 },
      },
      organisationPath: path,
      region: 'East',
      branch: id,
      timeZone: 'Europe/Prague',
      language: 'en',
      synthetic: true,
      contactPoints: [
        { email: planted.email, preferred: true },
        { phone: planted.phone },
        { postalAddress: { lines: [planted.street], locality: 'Brno', countryCode: 'CZ' } },
      ],
    },
  };
}

/** Imports one credit that makes the customer an active saver, under the given trace. */
export async function plantCredit(customer: Customer, trace: TraceParent): Promise<void> {
  const transaction = {
    sourceKey: 'trans/planted',
    holdingSourceKey: 'account/planted',
    transaction: {
      direction: 'TRANSACTION_DIRECTION_CREDIT',
      operation: 'TRANSACTION_OPERATION_CASH_DEPOSIT',
      amount: money(9_000_000),
      balanceAfter: money(9_000_000),
      bookingDate: { year: 2026, month: 6, day: 20 },
      sequence: 1,
    },
  };
  await importRows(customer, 'IMPORT_KIND_TRANSACTION', [{ transaction }], trace);
}
