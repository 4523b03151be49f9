import { type Queryable, type Sql, scopeFilter, sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize, scopeFor } from '@rapport/kit/rpc';
import type { SearchPartiesRequest, SearchPartiesResponse } from '@rapport/proto/customer/v1';
import { seen } from '../access/access.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { numberDigest } from '../holding/holding.js';
import { partyMessage, partyName } from './party.js';
import { partyColumns, type PartyRecord } from './record.js';
import { type Found, findByName, queryWords } from './search-names.js';
import { waysTo } from './search-places.js';
import { digestOf } from './search-terms.js';

/** The step of what is found by a whole value, before all that is found by name. */
const WHOLE = -1;

/** What is looked for. */
interface Query {
  /** Blind indexes. */
  digests: Buffer[];
  /** The blind index of the number of an account; undefined for none. */
  account: Buffer | undefined;
  /** A key of a source system; empty for none. */
  sourceKey: string;
  /** Folded words of a name. */
  words: string[];
}

/**
 * Finds parties by a name, an e-mail address, a telephone number, an identifier, an account or a source key among those
 * that the caller may see in full: first who has the whole value, then by name, the best first.
 */
export async function searchParties(
  deps: Deps,
  request: SearchPartiesRequest,
  call: Call,
): Promise<SearchPartiesResponse> {
  const size = pageSize(request);
  const token = decodePage(call, request, 'number', 'number', 'string', 'uuid');
  const after = token && { step: token[0], lead: token[1], word: token[2], partyId: token[3] };
  const scope = scopeFor(call, 'C2');
  const query = queryOf(deps, request.query);
  if (after && (after.lead < 0 || after.lead >= Math.max(query.words.length, 1) || after.step < WHOLE)) {
    throw fail('FIELD_INVALID', { violations: [{ field: 'page_token', description: 'is of another query' }] });
  }
  const placed = (table: string): Sql => {
    const wanted = [seen(scope, table)];
    const path = `${table}.organisation_path`;
    if (request.organisationPath !== '') {
      wanted.push(scopeFilter({ kind: 'rows', subtree: request.organisationPath }, { path }));
    }
    return sql.join(wanted, ' AND ');
  };
  const on = deps.db.scoped(scope);
  const whole = after && after.step > WHOLE ? [] : await findWhole(on, query, placed('g'), after, size + 1);
  const room = size + 1 - whole.length;
  let named: Found[] = [];
  if (query.words.length > 0 && room > 0) {
    const where = { place: placed('d'), ways: await waysTo(on, scope, request.organisationPath) };
    named = await findByName(on, query.words, where, after && after.step > WHOLE ? after : undefined, room);
  }
  const found = [...whole, ...named];
  const shown = found.slice(0, size);
  const rows = await on.rows<PartyRecord>(sql`
    SELECT ${partyColumns} FROM party WHERE party_id = ANY(${shown.map(({ partyId }) => partyId)}::uuid[])
      AND ${placed('party')}`);
  const byId = new Map(rows.map((row) => [row.partyId, row]));
  // Who is found by a number and by name too is shown once.
  const records = [...new Set(shown.map(({ partyId }) => partyId))].flatMap((id) => byId.get(id) ?? []);
  await deps.reads.record(
    call,
    records.map((row) => partyName(row.partyId)),
  );
  const last = shown.at(-1);
  return {
    parties: records.map((row) => partyMessage(deps, row, scope)),
    // The token holds a word of a name: the caller has just seen it.
    nextPageToken:
      last && found.length > size ? encodePage(call, request, [last.step, last.lead, last.word, last.partyId]) : '',
  };
}

/** Reads what is asked for; text of no declared kind is looked for in every way that it could be meant. */
function queryOf(deps: Deps, asked: SearchPartiesRequest['query']): Query {
  const empty: Query = { digests: [], account: undefined, sourceKey: '', words: [] };
  const account = (): Buffer => numberDigest(deps.cipher, value);
  const value = asked?.value.trim() ?? '';
  const digest = (kind: Parameters<typeof digestOf>[1]) => digestOf(deps.cipher, kind, value, deps.bank.country);
  switch (asked?.$case) {
    case 'email':
    case 'phone':
    case 'identifier':
      return { ...empty, digests: [digest(asked.$case)] };
    case 'account':
      return { ...empty, account: account() };
    case 'sourceKey':
      return { ...empty, sourceKey: value };
    case 'text':
      return anyOf(value, digest, account, empty);
    default:
      return { ...empty, words: wordsOf('name', value) };
  }
}

function anyOf(
  value: string,
  digest: (kind: 'email' | 'phone' | 'identifier') => Buffer,
  account: () => Buffer,
  empty: Query,
): Query {
  if (value.includes('@')) return { ...empty, digests: [digest('email')] };
  if (!/\d/.test(value)) return { ...empty, words: wordsOf('text', value) };
  const phone = /^\+?[\d\s()./-]{6,}$/.test(value) ? [digest('phone')] : [];
  const query = { ...empty, digests: [...phone, digest('identifier')], account: account(), sourceKey: value };
  return /\p{L}/u.test(value) ? { ...query, words: queryWords(value) } : query;
}

function wordsOf(field: string, value: string): string[] {
  const words = queryWords(value);
  if (words.length > 0) return words;
  throw fail('FIELD_INVALID', { violations: [{ field, description: 'must hold letters or digits' }] });
}

/**
 * The golden records that have a whole value. The index tables are under row security like the parties. Each holding is
 * looked up by its key: without statistics of the numbers the planner would rather read all holdings.
 */
async function findWhole(
  on: Queryable,
  { digests, account, sourceKey }: Query,
  place: Sql,
  after: Found | undefined,
  most: number,
): Promise<Found[]> {
  const ways: Sql[] = [];
  if (digests.length > 0) ways.push(sql`SELECT party_id FROM party_contact WHERE digest = ANY(${digests}::bytea[])`);
  if (sourceKey !== '') ways.push(sql`SELECT party_id FROM party WHERE source_key = ${sourceKey}`);
  if (account) {
    ways.push(sql`
      SELECT (o ->> 'party')::uuid FROM holding_number n
        CROSS JOIN LATERAL (
          SELECT owners FROM holding WHERE party_id = n.party_id AND holding_id = n.holding_id OFFSET 0) AS h
        CROSS JOIN LATERAL jsonb_array_elements(h.owners) AS o
      WHERE n.digest = ${account}`);
  }
  if (ways.length === 0) return [];
  const rows = await on.rows<{ partyId: string }>(sql`
    SELECT DISTINCT g.party_id AS "partyId" FROM (${sql.join(ways, ' UNION ALL ')}) AS f (party_id)
      JOIN party p ON p.party_id = f.party_id JOIN party g ON g.party_id = p.golden_id
    WHERE ${place} AND ${after ? sql`g.party_id > ${after.partyId}` : sql`TRUE`}
    ORDER BY 1 LIMIT ${most}`);
  return rows.map(({ partyId }) => ({ partyId, step: WHOLE, lead: 0, word: '' }));
}
