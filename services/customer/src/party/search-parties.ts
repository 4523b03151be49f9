import { type Sql, scopeFilter, sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize, scopeFor } from '@rapport/kit/rpc';
import type { SearchPartiesRequest, SearchPartiesResponse } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { partyMessage, partyName } from './party.js';
import { partyColumns, type PartyRecord } from './record.js';
import { contactKind, digestOf, wordsOf } from './search-terms.js';

/** Sorts after every continuation of a word: the highest code point. */
const HIGHEST = '\u{10FFFF}';

/** Finds parties by name, e-mail address or telephone number among those that the caller may see in full. */
export async function searchParties(
  deps: Deps,
  request: SearchPartiesRequest,
  call: Call,
): Promise<SearchPartiesResponse> {
  const size = pageSize(request);
  const after = decodePage(call, request, 'string', 'uuid');
  const scope = scopeFor(call, 'C2');
  const wanted = [
    matching(deps, request.query),
    sql`party.merged_into IS NULL`,
    scopeFilter(scope, { path: 'party.organisation_path', manager: 'party.manager' }),
  ];
  if (request.organisationPath !== '') {
    wanted.push(scopeFilter({ kind: 'rows', subtree: request.organisationPath }, { path: 'party.organisation_path' }));
  }
  if (after) wanted.push(sql`(party.display_name, party.party_id) > (${after[0]}, ${after[1]}::uuid)`);
  const rows = await deps.db.scoped(scope).rows<PartyRecord>(sql`
    SELECT ${partyColumns} FROM party
    WHERE ${sql.join(wanted, ' AND ')}
    ORDER BY party.display_name, party.party_id LIMIT ${size + 1}`);
  const shown = rows.slice(0, size);
  await deps.reads.record(
    call,
    shown.map((row) => partyName(row.partyId)),
  );
  const last = shown.at(-1);
  return {
    parties: shown.map((row) => partyMessage(deps, row, scope)),
    // The token holds a name: the caller has just seen it.
    nextPageToken: last && rows.length > size ? encodePage(call, request, [last.displayName, last.partyId]) : '',
  };
}

/** The condition for what is looked for; the rows of the index tables are under row security like the parties. */
function matching(deps: Deps, query: SearchPartiesRequest['query']): Sql {
  if (query?.$case === 'email' || query?.$case === 'phone') {
    return sql`party.party_id IN (SELECT party_id FROM party_contact
      WHERE digest = ${digestOf(deps.cipher, query.$case, query.value)} AND kind = ${contactKind[query.$case]})`;
  }
  const words = wordsOf(query?.value ?? '');
  if (words.length === 0) {
    const violation = { field: 'name', description: 'must hold letters or digits' };
    throw fail('FIELD_INVALID', { violations: [violation] });
  }
  const each = words.map(
    (word) => sql`party.party_id IN (SELECT party_id FROM party_word
      WHERE word >= ${word} AND word <= ${word + HIGHEST})`,
  );
  return sql.join(each, ' AND ');
}
