import { z } from 'zod';

/**
 * What Apache Fineract tells of clients, savings accounts, loans and their transactions: the shapes of its REST resources,
 * which the payloads of its business events repeat (ClientDataV1, SavingsAccountDataV1, LoanAccountDataV1, …). REST
 * writes days as [year, month, day], events as text; amounts are numbers there and decimals as text here. Only what is
 * read stands in the shapes; whatever else an instance of another version tells is passed over.
 */
const day = z.union([z.tuple([z.number(), z.number(), z.number()]), z.string()]).nullish();
const amount = z.union([z.number(), z.string()]).nullish();
const text = z.string().nullish();
const option = z.looseObject({ id: z.number().nullish(), code: text, value: text, name: text }).nullish();
const flags = z.looseObject({ code: text }).nullish();
const id = z.number().int().positive();
const currency = z.looseObject({ code: text }).nullish();

export const clientShape = z.looseObject({
  id,
  externalId: text,
  status: option,
  firstname: text,
  middlename: text,
  lastname: text,
  fullname: text,
  displayName: text,
  mobileNo: text,
  emailAddress: text,
  dateOfBirth: day,
  gender: option,
  legalForm: option,
  officeName: text,
});
export const savingsTransactionShape = z.looseObject({
  id,
  accountId: z.number().nullish(),
  transactionType: flags,
  date: day,
  currency,
  amount,
  runningBalance: amount,
  reversed: z.boolean().nullish(),
  isReversal: z.boolean().nullish(),
  transfer: z.unknown().optional(),
  paymentDetailData: z
    .looseObject({ paymentType: z.looseObject({ isCashPayment: z.boolean().nullish() }).nullish() })
    .nullish(),
});
export const loanTransactionShape = z.looseObject({
  id,
  loanId: z.number().nullish(),
  type: flags,
  date: day,
  currency,
  amount,
  outstandingLoanBalance: amount,
  manuallyReversed: z.boolean().nullish(),
  reversed: z.boolean().nullish(),
});
const timeline = z
  .looseObject({ activatedOnDate: day, approvedOnDate: day, actualDisbursementDate: day, closedOnDate: day })
  .nullish();
export const savingsShape = z.looseObject({
  id,
  clientId: z.number().nullish(),
  depositType: option,
  status: option,
  timeline,
  currency,
  transactions: z.array(z.unknown()).nullish(),
});
export const loanShape = z.looseObject({
  id,
  clientId: z.number().nullish(),
  status: option,
  timeline,
  currency,
  principal: amount,
  approvedPrincipal: amount,
  termFrequency: z.number().nullish(),
  termPeriodFrequencyType: option,
  inArrears: z.boolean().nullish(),
  transactions: z.array(z.unknown()).nullish(),
});

/** One thing that Fineract told. */
export interface FineractRecord {
  readonly is: 'client' | 'savings' | 'loan' | 'savings_transaction' | 'loan_transaction';
  readonly data: unknown;
}

/** A record as a line of an extract. */
export function lineOf(record: FineractRecord): string {
  return `${JSON.stringify(record)}\n`;
}

const kinds = ['client', 'savings', 'loan', 'savings_transaction', 'loan_transaction'] as const;
const lineShape = z.object({ is: z.enum(kinds), data: z.unknown() });

/** A line of an extract as a record; undefined for one that is none. */
export function recordIn(line: string): FineractRecord | undefined {
  try {
    const parsed = lineShape.safeParse(JSON.parse(line));
    return parsed.success ? { is: parsed.data.is, data: parsed.data.data } : undefined;
  } catch {
    return undefined;
  }
}
