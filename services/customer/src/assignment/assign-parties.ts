import { audit } from '@rapport/kit/crypto';
import { type Sql, sql } from '@rapport/kit/db';
import { publishAll } from '@rapport/kit/events';
import { type Call, idempotent, scopeFor } from '@rapport/kit/rpc';
import { type AssignPartiesRequest, AssignPartiesResponse, PartyUpdated } from '@rapport/proto/customer/v1';
import { assertInside, seen } from '../access/access.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import {
  idsIn,
  membersOf,
  openFindable,
  partyColumns,
  partyName,
  type PartyRecord,
  partyUpdated,
  storeChange,
} from '../party/party.js';

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
        ORDER BY party.party_id LIMIT ${MOST} FOR UPDATE`);
      const changes = rows
        .filter(({ manager }) => manager !== to)
        .map((before) => {
          const row = { ...before, manager: to, version: before.version + 1, updateTime: deps.clock.now() };
          assertInside(scope, row);
          return { before, ...openFindable(deps.cipher, before), row };
        });
      if (changes.length > 0) {
        // The trigger that keeps the history takes the reason from here.
        await tx.run(sql`SELECT set_config('rapport.reason', ${reason}, true)`);
        await storeChange(tx, deps.cipher, changes);
        const events = changes.map(({ row }) => ({
          message: partyUpdated(row, ['relationship_manager']),
          options: { aggregate: row.partyId, subject: partyName(row.partyId) },
        }));
        await publishAll(tx, PartyUpdated, events);
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
