import { SpendingRule, TransactionKind } from '@rapport/proto/customer/v1';

/** Category, first and last merchant category code (ISO 18245:2023, "Merchant category codes"). */
const merchants: readonly (readonly [category: string, first: string, last: string])[] = [
  ['travel', '3000', '3999'],
  ['transport', '4000', '4118'],
  ['health', '4119', '4119'],
  ['transport', '4120', '4199'],
  ['travel', '4411', '4411'],
  ['transport', '4457', '4468'],
  ['travel', '4511', '4582'],
  ['travel', '4722', '4723'],
  ['transport', '4784', '4789'],
  ['communication', '4812', '4899'],
  ['housing', '4900', '4900'],
  ['home', '5200', '5271'],
  ['shopping', '5300', '5399'],
  ['groceries', '5411', '5499'],
  ['transport', '5511', '5599'],
  ['clothing', '5611', '5699'],
  ['home', '5712', '5722'],
  ['electronics', '5732', '5735'],
  ['restaurants', '5811', '5814'],
  ['entertainment', '5815', '5818'],
  ['health', '5912', '5912'],
  ['groceries', '5921', '5921'],
  ['shopping', '5931', '5974'],
  ['health', '5975', '5976'],
  ['shopping', '5977', '5982'],
  ['housing', '5983', '5983'],
  ['shopping', '5992', '5999'],
  ['cash', '6010', '6011'],
  ['finance', '6012', '6211'],
  ['insurance', '6300', '6399'],
  ['housing', '6513', '6513'],
  ['finance', '6529', '6540'],
  ['travel', '7011', '7033'],
  ['personal_care', '7210', '7299'],
  ['transport', '7511', '7549'],
  ['entertainment', '7800', '7994'],
  ['gambling', '7995', '7995'],
  ['entertainment', '7996', '7999'],
  ['health', '8011', '8099'],
  ['education', '8211', '8299'],
  ['education', '8351', '8351'],
  ['charity', '8398', '8398'],
  ['charity', '8661', '8661'],
  ['taxes', '9211', '9402'],
];

/** What senders write as the purpose of a payment. */
const purposes: readonly (readonly [category: string, purpose: string])[] = [
  ['housing', 'household'],
  ['housing', 'household_payment'],
  ['housing', 'rent'],
  ['housing', 'utilities'],
  ['insurance', 'insurance'],
  ['insurance', 'insurance_payment'],
  ['loans', 'loan'],
  ['loans', 'loan_payment'],
  ['loans', 'mortgage'],
  ['leasing', 'leasing'],
  ['leasing', 'leasing_payment'],
  ['fees', 'statement_fee'],
  ['fees', 'penalty_interest'],
  ['taxes', 'tax'],
  ['savings', 'savings'],
];

const kinds: readonly (readonly [category: string, kind: TransactionKind])[] = [
  ['loans', TransactionKind.TRANSACTION_KIND_LOAN],
  ['fees', TransactionKind.TRANSACTION_KIND_FEE],
  ['interest', TransactionKind.TRANSACTION_KIND_INTEREST],
  ['cash', TransactionKind.TRANSACTION_KIND_WITHDRAWAL],
];

/** The rules that hold where the bank says nothing else: merchants first, then purposes, then kinds. */
export const defaultRules: readonly SpendingRule[] = [
  ...merchants.map(([category, firstMerchantCategory, lastMerchantCategory]) =>
    SpendingRule.fromPartial({ category, firstMerchantCategory, lastMerchantCategory }),
  ),
  ...purposes.map(([category, purpose]) => SpendingRule.fromPartial({ category, purpose })),
  ...kinds.map(([category, kind]) => SpendingRule.fromPartial({ category, kind })),
];
