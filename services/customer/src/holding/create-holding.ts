import { audit } from '@rapport/kit/crypto';
import { type Scope, sql, type Tx } from '@rapport/kit/db';
import { publish } from '@rapport/kit/events';
import { type Call, idempotent, scopeFor } from '@rapport/kit/rpc';
import { uuidv7 } from '@rapport/kit/runtime';
import {
  type CreateHoldingRequest,
  CreateHoldingResponse,
  type Holding,
  HoldingKind,
  HoldingOpened,
  HoldingRole,
} from '@rapport/proto/customer/v1';
import { seen } from '../access/access.js';
import type { Placed } from '../access/access.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { partyIdIn, partyName, sealedAnswer } from '../party/party.js';
import {
  claimKeys,
  findHolding,
  holdingBreach,
  holdingFields,
  holdingMessage,
  holdingName,
  holdingOpened,
  type HoldingRecord,
  ibanOf,
  insertHoldings,
  notFound,
  type Owner,
} from './holding.js';

/** Creates an account, a loan, a card or a standing order under its first owner. */
export async function createHolding(
  deps: Deps,
  request: CreateHoldingRequest,
  call: Call,
): Promise<CreateHoldingResponse> {
  const holding = request.holding as Holding;
  assertHolding(holding);
  const named = ownersFor(partyIdIn(request.parent), holding);
  const scope = scopeFor(call, 'C2');
  return idempotent(
    deps.db,
    call,
    request,
    sealedAnswer(deps.cipher, CreateHoldingResponse, request.requestId),
    async (tx) => {
      const { place, owners } = await goldenOwners(tx, named, scope);
      const { partyId } = place;
      const account = holding.accountHolding === '' ? undefined : await findHolding(tx, holding.accountHolding, scope);
      if (account && account.kind !== HoldingKind.HOLDING_KIND_ACCOUNT) throw notFound(holding.accountHolding);
      const now = deps.clock.now();
      const row: HoldingRecord = {
        ...holdingFields(holding),
        partyId,
        holdingId: uuidv7(),
        owners,
        accountPartyId: account?.partyId ?? null,
        accountHoldingId: account?.holdingId ?? null,
        balanceTime: holding.balance ? now : null,
        balanceSequence: null,
        organisationPath: place.organisationPath,
        manager: place.manager,
        source: holding.source || null,
        sourceKey: holding.sourceKey || null,
        version: 1,
        createTime: now,
        updateTime: now,
      };
      await claim(tx, row);
      await insertHoldings(tx, deps.cipher, [{ row, iban: ibanOf(holding) }]);
      await audit(tx, call, { resource: holdingName(row), change: { created: true, kind: row.kind } });
      await publish(tx, HoldingOpened, holdingOpened(row), { aggregate: partyId, subject: holdingName(row) });
      return { holding: holdingMessage(deps, row) };
    },
    { scope },
  );
}

function assertHolding(holding: Holding): void {
  const breach = holdingBreach(holding);
  if (breach) {
    const { reason, field, description } = breach;
    throw fail(reason, { violations: [{ field: `holding.${field}`, description }] });
  }
  if ((holding.source === '') !== (holding.sourceKey === '')) {
    const field = holding.source === '' ? 'holding.source' : 'holding.source_key';
    throw fail('FIELD_INVALID', { violations: [{ field, description: 'source and source_key go together' }] });
  }
}

/** Everybody who has the holding, the party that it is created under first. */
function ownersFor(partyId: string, holding: Holding): Owner[] {
  if (holding.owners.length === 0) return [{ party: partyId, role: HoldingRole.HOLDING_ROLE_OWNER }];
  const owners = holding.owners.map(({ party, role }) => ({ party: partyIdIn(party), role: role as number }));
  if (new Set(owners.map(({ party }) => party)).size !== owners.length) {
    throw fail('FIELD_INVALID', { violations: [{ field: 'holding.owners', description: 'names a party twice' }] });
  }
  const first = owners.find(({ party, role }) => party === partyId && role === HoldingRole.HOLDING_ROLE_OWNER);
  if (!first)
    throw fail('OWNER_MISSING', { violations: [{ field: 'holding.owners', description: 'lacks the parent' }] });
  return [first, ...owners.filter((owner) => owner !== first)];
}

/** The golden records of those who have the holding, each once and held until the end; where the first one stands. */
async function goldenOwners(
  tx: Tx,
  named: readonly Owner[],
  scope: Scope,
): Promise<{ place: Placed & { partyId: string }; owners: Owner[] }> {
  const ids = named.map((owner) => owner.party);
  const query = sql`
    SELECT named.party_id AS named, golden.party_id AS "partyId", golden.organisation_path AS "organisationPath",
      golden.manager
    FROM party named JOIN party golden ON golden.party_id = named.golden_id
    WHERE named.party_id = ANY(${ids}::uuid[]) AND golden.merged_into IS NULL
      AND ${seen(scope, 'golden')}
    ORDER BY golden.party_id FOR SHARE OF golden`;
  let places = await tx.rows<Placed & { partyId: string; named: string }>(query);
  // The second look finds what a merge made while the first waited for the lock.
  if (places.length < ids.length) places = await tx.rows<Placed & { partyId: string; named: string }>(query);
  const found = new Map(places.map((row) => [row.named, row]));
  const owners = new Map<string, Owner>();
  for (const { party, role } of named) {
    const partyId = found.get(party)?.partyId;
    if (partyId === undefined) throw fail('PARTY_NOT_FOUND', { metadata: { party: partyName(party) } });
    // Of two names of one golden record the part of an owner counts.
    const before = owners.get(partyId)?.role ?? role;
    owners.set(partyId, { party: partyId, role: Math.min(before, role) });
  }
  return { place: found.get(named[0]?.party ?? '') as Placed & { partyId: string }, owners: [...owners.values()] };
}

async function claim(tx: Tx, row: HoldingRecord): Promise<void> {
  if (row.source === null || row.sourceKey === null) return;
  const { source, sourceKey, partyId, holdingId } = row;
  const free = await claimKeys(tx, 'holding', source, [{ sourceKey, partyId, id: holdingId, content: 0n }]);
  if (free.size === 0) throw fail('DUPLICATE_SOURCE_KEY');
}
