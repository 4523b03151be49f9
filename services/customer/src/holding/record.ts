import { type Sql, sql } from '@rapport/kit/db';
import { fail } from '../errors.js';
import { idsIn } from '../party/party.js';

/** One party's part in a holding. */
export interface Owner {
  party: string;
  role: number;
}

/** A holding as it is stored, in the names of the Prisma model. */
export interface HoldingRecord {
  partyId: string;
  holdingId: string;
  kind: number;
  details: unknown;
  /** The first owner first. */
  owners: Owner[];
  accountPartyId: string | null;
  accountHoldingId: string | null;
  /** `YYYY-MM-DD`. */
  openedDate: string | null;
  closedDate: string | null;
  status: number;
  currency: string;
  balance: bigint | null;
  balanceTime: Date | null;
  balanceSequence: number | null;
  organisationPath: string;
  manager: string;
  source: string | null;
  sourceKey: string | null;
  version: number;
  createTime: Date;
  updateTime: Date;
  /** The IBAN, and the key that it is sealed with; null where it has none. */
  sealed: Buffer | null;
  wrappedKey: Buffer | null;
}

function columns(integer: '' | '::text'): Sql {
  return sql.raw(`h.party_id AS "partyId", h.holding_id AS "holdingId", h.kind, h.details, h.owners,
    h.account_party_id AS "accountPartyId", h.account_holding_id AS "accountHoldingId",
    h.opened_date AS "openedDate", h.closed_date AS "closedDate", h.status, h.currency,
    h.balance${integer} AS balance, h.balance_time AS "balanceTime", h.balance_sequence AS "balanceSequence",
    h.organisation_path AS "organisationPath", h.manager, h.source, h.source_key AS "sourceKey", h.version,
    h.create_time AS "createTime", h.update_time AS "updateTime", h.sealed, CASE WHEN h.sealed IS NOT NULL THEN
      (SELECT home.wrapped_key FROM public.party home WHERE home.party_id = h.party_id) END AS "wrappedKey"`);
}

/** The columns of a `HoldingRecord`, of the table `holding` under the name h. */
export const holdingColumns: Sql = columns('');

/** The same for a row that becomes JSON, whose numbers would lose digits. */
export const holdingJsonColumns: Sql = columns('::text');

/** A row that came as JSON. */
export function holdingFromJson(json: HoldingRecord): HoldingRecord {
  return {
    ...json,
    balance: json.balance === null ? null : BigInt(json.balance),
    balanceTime: json.balanceTime === null ? null : new Date(json.balanceTime),
    createTime: new Date(json.createTime),
    updateTime: new Date(json.updateTime),
    sealed: bytesOf(json.sealed),
    wrappedKey: bytesOf(json.wrappedKey),
  };
}

/** Bytes as Postgres writes them in JSON. */
function bytesOf(json: unknown): Buffer | null {
  return typeof json === 'string' ? Buffer.from(json.slice(2), 'hex') : null;
}

/** `parties/{uuid}/holdings/{uuid}`. */
export function holdingName(row: { partyId: string; holdingId: string }): string {
  return `parties/${row.partyId}/holdings/${row.holdingId}`;
}

/** The party's and the holding's uuid; a name that no holding can have is simply not found. */
export function holdingIdsIn(name: string): { partyId: string; holdingId: string } {
  const [partyId, holdingId] = idsIn(name) ?? [];
  if (partyId === undefined || holdingId === undefined) throw notFound(name);
  return { partyId, holdingId };
}

/** The failure for a holding that is not there for the caller. */
export function notFound(holding: string): Error {
  return fail('HOLDING_NOT_FOUND', { metadata: { holding } });
}
