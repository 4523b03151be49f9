import { audit } from '@rapport/kit/crypto';
import { sql, type Tx } from '@rapport/kit/db';
import { erasedAmong } from '@rapport/kit/events';
import { type Call, idempotent } from '@rapport/kit/rpc';
import { type AddListEntriesRequest, AddListEntriesResponse, ListRejectReason } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { factFilter } from '../fact/fact.js';
import { dateText, dayOf, today } from '../segment/segment.js';
import { findList, type Line, listIdOf, lockList, type Place, placesOf, readLines, standsOn } from './list.js';

/** Writes lines as entries from a day on; gives how many are new, changed and as they were. */
async function write(
  tx: Tx,
  listId: string,
  lines: readonly (Line & Place)[],
  change: { day: string; by: string; at: Date },
): Promise<Omit<AddListEntriesResponse, 'rejects'>> {
  const { day, by, at } = change;
  const standing = await tx.rows<{ party: string; from: string; until: string | null }>(sql`
    SELECT party_id AS party, from_date AS from, until_date AS until FROM list_entry
    WHERE list_id = ${listId} AND party_id = ANY(${lines.map(({ party }) => party)}::uuid[]) AND ${standsOn(day)}`);
  const standingOf = new Map(standing.map((entry) => [entry.party, entry]));
  // Who stands on the list keeps the first day; the rest begin on this one.
  const written = lines.filter(({ party, until }) => {
    const entry = standingOf.get(party);
    return !entry || dayOf(entry.until) !== until;
  });
  await tx.run(sql`
    INSERT INTO list_entry AS e
      (list_id, party_id, from_date, until_date, organisation_path, manager, placed, changed_by, change_time)
    SELECT ${listId}, party, from_date, until_date, path, manager, placed, ${by}, ${at}
    FROM unnest(${written.map(({ party }) => party)}::uuid[],
      ${written.map(({ party }) => standingOf.get(party)?.from ?? day)}::date[],
      ${written.map(({ until }) => (until === undefined ? null : dateText(until)))}::date[],
      ${written.map(({ path }) => path)}::text[], ${written.map(({ manager }) => manager)}::text[],
      ${written.map(({ version }) => version)}::bigint[])
      AS line (party, from_date, until_date, path, manager, placed)
    ORDER BY party
    ON CONFLICT (list_id, party_id, from_date) DO UPDATE SET until_date = excluded.until_date,
      organisation_path = excluded.organisation_path, manager = excluded.manager, placed = excluded.placed,
      changed_by = excluded.changed_by,
      change_time = excluded.change_time, change = nextval('list_entry_change_seq'), sent = false`);
  const updated = written.filter(({ party }) => standingOf.has(party)).length;
  return { added: written.length - updated, updated, unchanged: lines.length - written.length };
}

/** Puts parties on a list from today on; rules know of it within seconds (`send.ts`). Throws LIST_NOT_FOUND. */
export async function addListEntries(
  deps: Deps,
  request: AddListEntriesRequest,
  call: Call,
): Promise<AddListEntriesResponse> {
  const list = await findList(deps.db.scoped(call.scope), call.scope, request.parent);
  const listId = listIdOf(request.parent);
  const day = today(deps);
  const { lines, refused } = readLines(request.entries, day);
  const where = factFilter(call.scope, list.organisation_path, { manager: true });
  const places = await placesOf(
    deps.analytics,
    lines.map(({ party }) => party),
    { ...where, text: `state != 'restricted' AND (${where.text})` },
    call.signal,
  );
  const known = new Map(places.map((place) => [place.party, place]));
  const answer = await idempotent(deps.db, call, request, AddListEntriesResponse, async (tx) => {
    await lockList(tx, listId);
    // Asked under the lock: an erasure that this does not see removes the entries after it.
    const gone = new Set(
      await erasedAmong(
        tx,
        lines.map(({ party }) => party),
      ),
    );
    const taken = lines.flatMap((line) => {
      const party = gone.has(line.party) ? undefined : known.get(line.party);
      return party ? [{ ...line, ...party }] : [];
    });
    const counts = await write(tx, listId, taken, {
      day: dateText(day),
      by: call.principal.subject,
      at: deps.clock.now(),
    });
    const takenOf = new Set(taken.map(({ index }) => index));
    const unknown = lines
      .filter(({ index }) => !takenOf.has(index))
      .map(({ index }) => ({ index, reason: ListRejectReason.LIST_REJECT_REASON_PARTY_UNKNOWN }));
    const rejects = [...refused, ...unknown].sort((a, b) => a.index - b.index);
    await audit(tx, call, { resource: request.parent, change: { ...counts, rejected: rejects.length } });
    // The kept answer names nobody: its lines are places in the call until it is given.
    return { ...counts, rejects: rejects.map(({ index, reason }) => ({ line: index, value: '', reason })) };
  });
  return {
    ...answer,
    rejects: answer.rejects.map(({ line: index, reason }) => {
      const entry = request.entries[index];
      return { line: entry && entry.line > 0 ? entry.line : index + 1, value: entry?.party ?? '', reason };
    }),
  };
}
