import { audit } from '@rapport/kit/crypto';
import { type Sql, sql } from '@rapport/kit/db';
import { type Call, idempotent, scopeFor } from '@rapport/kit/rpc';
import { type AssignPartiesRequest, AssignPartiesResponse } from '@rapport/proto/customer/v1';
import { assertInside, seen } from '../access/access.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { loadTrees, settle, stateByStaff, store } from '../golden/golden.js';
import { idsIn, membersOf, partyColumns, partyMessage, partyName, type PartyRecord } from '../party/party.js';

/** Parties that one call hands over: a book is handed over in transactions that nobody waits long for. */
const MOST = 1_000;

/** Gives parties to another employee, with all that belongs to them, and notes why. */
export async function assignParties(
  deps: Deps,
  request: AssignPartiesRequest,
  call: Call,
): Promise<AssignPartiesResponse> {
  const { parties, fromRelationshipManager: from, relationshipManager: to, reason } = request;
  if (parties.length > 0 === (from !== '') || (from !== '' && from === to)) {
    const description = 'names parties, or an employee other than the one who takes over';
    throw fail('ASSIGNMENT_INVALID', { violations: [{ field: 'parties', description }] });
  }
  const scope = scopeFor(call, 'C2');
  return idempotent(
    deps.db,
    call,
    request,
    AssignPartiesResponse,
    async (tx) => {
      const visible = seen(scope, 'party');
      const ids = parties.flatMap((name) => idsIn(name) ?? []);
      const wanted: Sql =
        from === ''
          ? sql`party.party_id IN (SELECT golden_id FROM party alias WHERE alias.party_id = ANY(${ids}::uuid[]))`
          : sql`party.manager = ${from} AND party.merged_into IS NULL`;
      const rows = await tx.rows<PartyRecord>(sql`
        SELECT ${partyColumns} FROM party WHERE ${wanted} AND ${visible}
        ORDER BY party.party_id LIMIT ${MOST}`);
      const now = deps.clock.now();
      const changing = rows.filter(({ manager }) => manager !== to).map(({ partyId }) => partyId);
      const trees = await loadTrees(tx, deps, changing, { lock: true });
      const changes = [...new Set(trees.values())].map((tree) => {
        const assigned = { ...partyMessage(deps, tree.root, { kind: 'everything' }), relationshipManager: to };
        stateByStaff(deps, tree, { received: assigned, stated: assigned, paths: ['relationship_manager'], time: now });
        const settled = settle(deps, tree, now);
        assertInside(scope, settled.row);
        return settled;
      });
      if (changes.length > 0) {
        // The trigger that keeps the history takes the reason from here.
        await tx.run(sql`SELECT set_config('rapport.reason', ${reason}, true)`);
        await store(tx, deps, changes);
      }
      const resource = changes.length > 0 ? changes.map(({ row }) => partyName(row.partyId)) : 'parties';
      await audit(tx, call, { resource, fields: ['relationship_manager'], change: { assigned: changes.length } });
      const { remaining } = await tx.one<{ remaining: number }>(sql`
        SELECT count(*)::int AS remaining FROM party
        WHERE ${from === '' ? sql`FALSE` : sql`party.manager = ${from} AND party.merged_into IS NULL`} AND ${visible}`);
      const found = new Set(rows.flatMap((row) => membersOf(row).map(partyName)));
      return { assigned: changes.length, remaining, missing: parties.filter((name) => !found.has(name)) };
    },
    { scope },
  );
}
