import { audit } from '@rapport/kit/crypto';
import { sql } from '@rapport/kit/db';
import { publish } from '@rapport/kit/events';
import { type Call, idempotent, scopeFor } from '@rapport/kit/rpc';
import {
  type RecategoriseTransactionRequest,
  RecategoriseTransactionResponse,
  TransactionRecategorised,
} from '@rapport/proto/customer/v1';
import { seen } from '../access/access.js';
import { dayMessage } from '../calendar/calendar.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { findHolding, holdingName, ownerNames } from '../holding/holding.js';
import { idsIn } from '../party/party.js';
import { transactionColumns, transactionMessage, type TransactionRecord } from '../timeline/timeline.js';

/** Puts one transaction into another spending category. */
export async function recategoriseTransaction(
  deps: Deps,
  request: RecategoriseTransactionRequest,
  call: Call,
): Promise<RecategoriseTransactionResponse> {
  const { name, category } = request;
  const [partyId, holdingId, transactionId] = idsIn(name) ?? [];
  const missing = () => fail('TRANSACTION_NOT_FOUND', { metadata: { transaction: name } });
  if (partyId === undefined || holdingId === undefined || transactionId === undefined) throw missing();
  const scope = scopeFor(call, 'C2');
  return idempotent(
    deps.db,
    call,
    request,
    RecategoriseTransactionResponse,
    async (tx) => {
      const before = await tx.maybe<TransactionRecord & { organisationPath: string }>(sql`
        SELECT ${transactionColumns}, t.organisation_path AS "organisationPath" FROM transaction t
        WHERE t.party_id = ${partyId} AND t.holding_id = ${holdingId} AND t.transaction_id = ${transactionId}
          AND ${seen(scope, 't')}
        FOR UPDATE`);
      if (!before) throw missing();
      const after = { ...before, category };
      await audit(tx, call, { resource: name, fields: before.category === category ? [] : ['category'] });
      if (before.category === category) return { transaction: transactionMessage(after) };
      await tx.run(sql`
        UPDATE transaction SET category = ${category}
        WHERE party_id = ${partyId} AND holding_id = ${holdingId} AND time = ${before.time}
          AND sequence = ${before.sequence} AND transaction_id = ${transactionId}`);
      const holding = await findHolding(tx, holdingName(before), scope);
      const event: TransactionRecategorised = {
        transaction: name,
        parties: ownerNames(holding.owners),
        organisationPath: before.organisationPath,
        category,
        previousCategory: before.category,
        amount: { minorUnits: before.amount, currencyCode: before.currency },
        bookingDate: dayMessage(before.bookingDate),
        time: deps.clock.now(),
      };
      await publish(tx, TransactionRecategorised, event, { aggregate: partyId, subject: name });
      return { transaction: transactionMessage(after) };
    },
    { scope },
  );
}
