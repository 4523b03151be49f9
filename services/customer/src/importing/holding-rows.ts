import { isDeepStrictEqual } from 'node:util';
import { type Queryable, scopeFilter, sql } from '@rapport/kit/db';
import { publishAll } from '@rapport/kit/events';
import { uuidv7 } from '@rapport/kit/runtime';
import {
  CreateHoldingRequest,
  Holding,
  HoldingKind,
  HoldingOpened,
  HoldingRole,
  type HoldingRow,
  HoldingUpdated,
  ImportKind,
} from '@rapport/proto/customer/v1';
import type { Placed } from '../access/access.js';
import {
  claimKeys,
  holdingBreach,
  holdingColumns,
  holdingFields,
  holdingName,
  holdingOpened,
  type HoldingRecord,
  holdingUpdated,
  ibanOf,
  insertHoldings,
  keyKind,
  type NumberedHolding,
  type Owner,
  storeHoldings,
} from '../holding/holding.js';
import {
  type Batch,
  type Checked,
  contractRefusal,
  duplicateKey,
  firstOfEach,
  holdsNul,
  nulRefusal,
  refuse,
  settle,
  type Stream,
  unknownReference,
  valueAt,
} from './batch.js';
import { digest64, type Refusal } from './importing.js';
import { partiesByKey } from './references.js';

const KIND = ImportKind.IMPORT_KIND_HOLDING;
const REQUEST_ID = '00000000-0000-4000-8000-000000000000';
const ANY_PARTY = 'parties/00000000-0000-0000-0000-000000000000';

/** What a holding row says, its references still as source keys. */
export interface HoldingWish {
  holding: Holding;
  owner: string;
  account: string;
  others: { party: string; role: HoldingRole }[];
}

/** Judges a row by the rules that need no database. */
export function checkHolding(stream: Stream, line: bigint, row: HoldingRow): Checked<HoldingWish> | Refusal {
  const { sourceKey, ownerSourceKey, accountSourceKey, otherOwners } = row;
  const keys = { source_key: sourceKey, owner_source_key: ownerSourceKey };
  for (const [field, value] of Object.entries(keys)) {
    if (value === '') return { field, reason: 'VALUE_INVALID', message: 'is required', value };
  }
  const holding = Holding.fromPartial({
    ...row.holding,
    name: '',
    etag: '',
    owners: [],
    accountHolding: '',
    source: stream.source,
    sourceKey,
  });
  const bytes = CreateHoldingRequest.encode({ parent: ANY_PARTY, holding, requestId: REQUEST_ID }).finish();
  const refusal = contractRefusal(stream.deps, 'CreateHolding', bytes, 'holding', holding);
  if (refusal) return refusal;
  const breach = holdingBreach(holding);
  if (breach) {
    const reason = breach.reason === 'CURRENCY_MISMATCH' ? breach.reason : 'VALUE_INVALID';
    return { field: breach.field, reason, message: breach.description, value: valueAt(holding, breach.field) };
  }
  const others = otherOwners.map(({ partySourceKey, role }) => ({ party: partySourceKey, role }));
  const parties = [ownerSourceKey, ...others.map(({ party }) => party)];
  if (
    new Set(parties).size !== parties.length ||
    others.some(({ role }) => role === 0 || !(role in HoldingRole)) ||
    others.length > 49
  ) {
    const message = 'must be at most 49 different parties, each with a role';
    return { field: 'other_owners', reason: 'VALUE_INVALID', message, value: '' };
  }
  const json = Holding.toJSON(holding);
  if (holdsNul([json, parties, accountSourceKey])) return nulRefusal;
  const content = digest64(JSON.stringify([json, ownerSourceKey, accountSourceKey, others]));
  return {
    line,
    key: sourceKey,
    content,
    value: { holding, owner: ownerSourceKey, account: accountSourceKey, others },
  };
}

/** Writes the holdings of a batch, accounts first because the others may hang on them. */
export async function takeHoldings(batch: Batch, rows: readonly Checked<HoldingWish>[]): Promise<void> {
  const accounts = rows.filter(({ value }) => value.account === '');
  await takeWave(batch, accounts);
  await takeWave(
    batch,
    rows.filter(({ value }) => value.account !== ''),
  );
}

interface Known extends HoldingRecord {
  key: string;
  content: bigint;
}

/** The holdings behind source keys, as far as the caller may see them. */
export function holdingsByKey(on: Queryable, batch: Batch, keys: readonly string[]): Promise<Known[]> {
  return on.rows<Known>(sql`
    SELECT nk.source_key AS key, nk.content, ${holdingColumns}
    FROM natural_key nk JOIN holding h ON h.party_id = nk.party_id AND h.holding_id = nk.id
    WHERE nk.source = ${batch.source} AND nk.kind = ${keyKind.holding} AND nk.source_key = ANY(${keys}::text[])
      AND ${scopeFilter(batch.scope, { path: 'h.organisation_path', manager: 'h.manager' })}`);
}

async function takeWave(batch: Batch, rows: readonly Checked<HoldingWish>[]): Promise<void> {
  if (rows.length === 0) return;
  const byKey = firstOfEach(batch, KIND, rows);
  const wishes = [...byKey.values()];
  const accountKeys = wishes.map(({ value }) => value.account).filter((key) => key !== '');
  const known = new Map(
    (await holdingsByKey(batch.tx, batch, [...byKey.keys(), ...accountKeys])).map((row) => [row.key, row]),
  );
  const partyKeys = wishes.flatMap(({ value }) => [value.owner, ...value.others.map(({ party }) => party)]);
  const parties = await partiesByKey(batch, partyKeys);
  const fresh: { from: Checked<HoldingWish>; row: HoldingRecord }[] = [];
  const changed: { from: Checked<HoldingWish>; row: HoldingRecord; before: Known }[] = [];
  for (const from of wishes) {
    const before = known.get(from.key);
    if (before?.content === from.content) {
      settle(batch, KIND, 'unchanged');
      continue;
    }
    const row = resolve(batch, from, parties, known);
    if (!('holdingId' in row)) refuse(batch, KIND, from.line, row);
    else if (!before) fresh.push({ from, row });
    else changed.push({ from, row, before });
  }
  await create(batch, fresh);
  await change(batch, changed);
}

/** The row that the wish makes, or why it cannot. */
function resolve(
  batch: Batch,
  from: Checked<HoldingWish>,
  parties: Map<string, Placed & { partyId: string }>,
  known: Map<string, Known>,
): HoldingRecord | Refusal {
  const { holding, owner, account, others } = from.value;
  const first = parties.get(owner);
  if (!first) return unknownReference('owner_source_key', owner);
  const owners: Owner[] = [{ party: first.partyId, role: HoldingRole.HOLDING_ROLE_OWNER }];
  for (const { party, role } of others) {
    const other = parties.get(party);
    if (!other) return unknownReference('other_owners', party);
    owners.push({ party: other.partyId, role });
  }
  const under = account === '' ? undefined : known.get(account);
  if (account !== '' && under?.kind !== HoldingKind.HOLDING_KIND_ACCOUNT) {
    return unknownReference('account_source_key', account);
  }
  return {
    ...holdingFields(holding),
    partyId: first.partyId,
    holdingId: uuidv7(),
    owners,
    accountPartyId: under?.partyId ?? null,
    accountHoldingId: under?.holdingId ?? null,
    balanceTime: holding.balance ? batch.now : null,
    balanceSequence: null,
    organisationPath: first.organisationPath,
    manager: first.manager,
    source: batch.source,
    sourceKey: from.key,
    version: 1,
    createTime: batch.now,
    updateTime: batch.now,
  };
}

async function create(batch: Batch, fresh: { from: Checked<HoldingWish>; row: HoldingRecord }[]): Promise<void> {
  if (fresh.length === 0) return;
  const claims = fresh.map(({ from, row }) => ({
    sourceKey: from.key,
    partyId: row.partyId,
    id: row.holdingId,
    content: from.content,
  }));
  const free = await claimKeys(batch.tx, 'holding', batch.source, claims);
  const taken = fresh.filter(({ from }) => free.has(from.key));
  const made = taken.map(({ row }) => row);
  for (const { from } of fresh) {
    if (free.has(from.key)) settle(batch, KIND, 'created');
    else refuse(batch, KIND, from.line, duplicateKey(from.key, 'is taken outside of what you may see'));
  }
  const numbered = taken.map(({ from, row }) => ({ row, iban: ibanOf(from.value.holding) }));
  await insertHoldings(batch.tx, batch.deps.cipher, numbered);
  const events = made.map((row) => ({
    message: holdingOpened(row),
    options: { aggregate: row.partyId, subject: holdingName(row) },
  }));
  await publishAll(batch.tx, HoldingOpened, events);
}

async function change(
  batch: Batch,
  wanted: { from: Checked<HoldingWish>; row: HoldingRecord; before: Known }[],
): Promise<void> {
  const changed: (NumberedHolding & { content: bigint })[] = [];
  for (const { from, row, before } of wanted) {
    const same = row.partyId === before.partyId && row.kind === before.kind;
    if (!same || row.accountHoldingId !== before.accountHoldingId) {
      const message = 'cannot change its kind, its first owner or its account';
      refuse(batch, KIND, from.line, { field: '', reason: 'IMMUTABLE', message, value: '' });
      continue;
    }
    // A balance that transactions have set is newer than the one that a row states.
    const stated = before.balanceSequence === null && row.balance !== null;
    const next: HoldingRecord = {
      ...row,
      holdingId: before.holdingId,
      currency: row.currency || before.currency,
      balance: stated ? row.balance : before.balance,
      balanceTime: stated ? row.balanceTime : before.balanceTime,
      version: before.version + 1,
      createTime: before.createTime,
    };
    settle(batch, KIND, 'updated');
    changed.push({ row: next, iban: ibanOf(from.value.holding), content: from.content });
  }
  if (changed.length === 0) return;
  const rows = changed.map(({ row }) => row);
  const owners = new Map(wanted.map(({ before }) => [before.holdingId, before.owners]));
  await storeHoldings(
    batch.tx,
    batch.deps.cipher,
    batch.source,
    changed,
    rows.filter((row) => !isDeepStrictEqual(owners.get(row.holdingId), row.owners)),
  );
  const events = rows.map((row) => ({
    message: holdingUpdated(row, owners.get(row.holdingId) ?? []),
    options: { aggregate: row.partyId, subject: holdingName(row) },
  }));
  await publishAll(batch.tx, HoldingUpdated, events);
}
