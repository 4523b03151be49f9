import { audit } from '@rapport/kit/crypto';
import { publish } from '@rapport/kit/events';
import { type Call, idempotent, scopeFor } from '@rapport/kit/rpc';
import { type CreatePartyRequest, CreatePartyResponse, type Party, PartyCreated } from '@rapport/proto/customer/v1';
import { assertInside, assertPlace } from '../access/access.js';
import { dayDate } from '../calendar/calendar.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { keepFirst } from '../golden/golden.js';
import { assertSource, erasedAmong } from '../source/source.js';
import { assertValid, cleaned, newRecord, partyCreated, partyMessage, partyName } from './party.js';
import { sealedAnswer } from './sealed-answer.js';
import { findable, insertTerms } from './search-terms.js';

/** Creates a person or an organisation where the caller may see it. */
export async function createParty(deps: Deps, request: CreatePartyRequest, call: Call): Promise<CreatePartyResponse> {
  const received = request.party as Party;
  const clean = cleaned(deps, received);
  const { party } = clean;
  assertValid(clean, deps);
  assertSourceKey(party);
  const row = newRecord(deps, clean);
  const scope = scopeFor(call, 'C2');
  assertInside(scope, row);
  assertPlace(call, row);
  const name = partyName(row.partyId);
  return idempotent(
    deps.prisma,
    call,
    request,
    sealedAnswer(deps.cipher, CreatePartyResponse, request.requestId),
    async (tx) => {
      const { birthDate, incomeDate, wrappedKey, sealed, ...rest } = row;
      await tx.prisma.party
        .create({
          data: {
            ...rest,
            wrappedKey: new Uint8Array(wrappedKey),
            sealed: new Uint8Array(sealed),
            birthDate: birthDate === null ? null : dayDate(birthDate),
            incomeDate: incomeDate === null ? null : dayDate(incomeDate),
          },
        })
        .catch(taken);
      if (party.source !== '') {
        await assertSource(tx, deps.bank, party.source);
        const erased = await erasedAmong(tx, deps.cipher, party.source, [party.sourceKey]);
        if (erased.size > 0) throw fail('SOURCE_KEY_ERASED', { metadata: { source: party.source } });
      }
      await keepFirst(tx, deps, [{ row, received, party }]);
      await insertTerms(tx, deps.cipher, [findable(row, party)]);
      await audit(tx, call, { resource: name, change: { created: true, kind: row.kind } });
      await publish(tx, PartyCreated, partyCreated(row), { aggregate: row.partyId, subject: name });
      return { party: partyMessage(deps, row, scope) };
    },
    { scope },
  );
}

function assertSourceKey(party: Party): void {
  if ((party.source === '') === (party.sourceKey === '')) return;
  const field = party.source === '' ? 'party.source' : 'party.source_key';
  throw fail('FIELD_INVALID', { violations: [{ field, description: 'source and source_key go together' }] });
}

/** Prisma's code for a unique constraint; the only one beside the primary key is the source key. */
function taken(error: unknown): never {
  if (error instanceof Error && 'code' in error && error.code === 'P2002') throw fail('DUPLICATE_SOURCE_KEY');
  throw error;
}
