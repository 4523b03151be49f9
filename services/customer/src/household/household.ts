import { type Queryable, type Scope, sql, type Tx } from '@rapport/kit/db';
import { publishAll } from '@rapport/kit/events';
import {
  type Balance,
  type Household,
  HouseholdChanged,
  HouseholdRole,
  HoldingRole,
  HoldingStatus,
} from '@rapport/proto/customer/v1';
import { seen } from '../access/access.js';
import { fail } from '../errors.js';
import { idsIn, partyName, type PlacedParty } from '../party/party.js';

/** The most members of a household. */
export const MOST_MEMBERS = 100;

/** A household as it is stored. */
export interface HouseholdRecord {
  householdId: string;
  kind: number;
  members: number;
  version: number;
  createTime: Date;
  updateTime: Date;
}

/** A member as it is stored, with the golden record that it answers as now. */
export interface MemberRecord {
  partyId: string;
  goldenId: string;
  aliases: string[];
  organisationPath: string;
  role: number;
  joinTime: Date;
  leaveTime: Date | null;
}

/** `households/{uuid}`. */
export function householdName(householdId: string): string {
  return `households/${householdId}`;
}

/** The failure of a name that leads to no household for the caller. */
export function noHousehold(name: string): Error {
  return fail('HOUSEHOLD_NOT_FOUND', { metadata: { household: name } });
}

/** The failure of members that make no household; `field` is theirs in the request. */
export function invalidHousehold(field: string, description: string): Error {
  return fail('HOUSEHOLD_INVALID', { violations: [{ field, description }] });
}

/** The household of a name, held until the transaction ends. Throws when there is none. */
export async function lockHousehold(tx: Tx, name: string): Promise<HouseholdRecord> {
  const id = idsIn(name)?.[0];
  const row =
    id === undefined
      ? undefined
      : await tx.maybe<HouseholdRecord>(
          sql`SELECT ${householdColumns} FROM household WHERE household_id = ${id} FOR UPDATE`,
        );
  if (!row) throw noHousehold(name);
  return row;
}

/** The columns of a `HouseholdRecord`. */
export const householdColumns = sql.raw(`household_id AS "householdId", kind, members, version,
  create_time AS "createTime", update_time AS "updateTime"`);

/** The members inside the scope, the head first and then in the order they joined; those who have left last. */
export function membersIn(on: Queryable, householdId: string, scope: Scope, history = false): Promise<MemberRecord[]> {
  return on.rows<MemberRecord>(sql`
    SELECT m.party_id AS "partyId", golden.party_id AS "goldenId", golden.aliases,
      golden.organisation_path AS "organisationPath", m.role, m.join_time AS "joinTime", m.leave_time AS "leaveTime"
    FROM household_member m JOIN party ON party.party_id = m.party_id
      JOIN party golden ON golden.party_id = party.golden_id
    WHERE m.household_id = ${householdId} ${history ? sql.empty : sql`AND m.leave_time IS NULL`}
      AND ${seen(scope, 'golden')}
    ORDER BY m.leave_time DESC NULLS FIRST, m.role <> ${HouseholdRole.HOUSEHOLD_ROLE_HEAD}, m.join_time, m.party_id`);
}

/**
 * What the members own together, by kind and currency: open holdings that carry a balance, each once whatever the number
 * of its owners. Holdings stand where their first owner stands, and the caller must see that too.
 */
async function balancesOf(on: Queryable, members: readonly MemberRecord[], scope: Scope): Promise<Balance[]> {
  const ids = [...new Set(members.flatMap(({ goldenId, aliases }) => [goldenId, ...aliases]))];
  const rows = await on.rows<{ kind: number; currency: string; holdings: number; balance: string }>(sql`
    SELECT kind, currency, count(*)::int AS holdings, sum(balance)::text AS balance
    FROM (SELECT DISTINCT r.holding_party_id, r.holding_id
        FROM unnest(${ids}::uuid[]) AS member (id) CROSS JOIN LATERAL (
          SELECT * FROM holding_role r WHERE r.party_id = member.id
            AND r.role = ${HoldingRole.HOLDING_ROLE_OWNER} OFFSET 0) r) owned
      CROSS JOIN LATERAL (
        SELECT * FROM holding h WHERE h.party_id = owned.holding_party_id AND h.holding_id = owned.holding_id
          AND h.status = ${HoldingStatus.HOLDING_STATUS_OPEN} AND h.balance IS NOT NULL
          AND ${seen(scope, 'h')} OFFSET 0) h
    GROUP BY kind, currency ORDER BY kind, currency`);
  return rows.map(({ kind, currency, holdings, balance }) => ({
    kind,
    holdings,
    balance: { minorUnits: BigInt(balance), currencyCode: currency },
  }));
}

/** The message of a household as far as the caller may see it; undefined when that is none of its members. */
export async function householdMessage(
  on: Queryable,
  row: HouseholdRecord,
  scope: Scope,
  history = false,
): Promise<Household | undefined> {
  const members = await membersIn(on, row.householdId, scope, history);
  if (members.length === 0) return undefined;
  const current = members.filter(({ leaveTime }) => leaveTime === null);
  // Two members may have been merged into one since: it is there once, in the greater of its roles.
  const once = members.filter(
    (member, index) =>
      member.leaveTime !== null || current.findIndex(({ goldenId }) => goldenId === member.goldenId) === index,
  );
  return {
    name: householdName(row.householdId),
    kind: row.kind,
    members: once.map(({ goldenId, role, joinTime, leaveTime }) => ({
      party: partyName(goldenId),
      role,
      joinTime,
      leaveTime: leaveTime ?? undefined,
    })),
    balances: await balancesOf(on, current, scope),
    partial: current.length < row.members,
    createTime: row.createTime,
    updateTime: row.updateTime,
    etag: `"${row.version}"`,
  };
}

/** The households that parties are in now, as far as the scope sees their members. */
export async function householdsOf(on: Queryable, members: readonly string[], scope: Scope): Promise<Household[]> {
  const rows = await on.rows<HouseholdRecord>(sql`
    SELECT ${householdColumns} FROM household
    WHERE household_id IN (SELECT m.household_id FROM household_member m
      WHERE m.party_id = ANY(${[...members]}::uuid[]) AND m.leave_time IS NULL)
    ORDER BY kind, household_id`);
  const households = await Promise.all(rows.map((row) => householdMessage(on, row, scope)));
  return households.filter((household) => household !== undefined);
}

/** Puts a party into a household. Throws when it is in another one of the kind. */
export async function join(
  tx: Tx,
  household: Pick<HouseholdRecord, 'householdId' | 'kind'>,
  party: PlacedParty,
  role: HouseholdRole,
  time: Date,
): Promise<void> {
  // A party that was merged into this one may bring a household with it.
  const elsewhere = await tx.maybe(sql`
    SELECT household_id FROM household_member
    WHERE party_id = ANY(${[party.partyId, ...party.aliases]}::uuid[]) AND kind = ${household.kind}
      AND leave_time IS NULL LIMIT 1`);
  if (elsewhere) throw fail('ALREADY_IN_HOUSEHOLD', { metadata: { party: partyName(party.partyId) } });
  await tx.run(sql`
    INSERT INTO household_member (party_id, household_id, join_time, kind, role, organisation_path, manager)
    VALUES (${party.partyId}, ${household.householdId}, ${time}, ${household.kind}, ${role}, ${party.organisationPath},
      ${party.manager})`);
}

/** A party whose place in a household changed; role 0 when it left. */
export interface Changed {
  partyId: string;
  organisationPath: string;
  role: HouseholdRole;
}

/** Counts the members of a household anew, and tells the world of the parties whose place in it changed. */
export async function noteChange(
  tx: Tx,
  household: Pick<HouseholdRecord, 'householdId' | 'kind'>,
  changed: readonly Changed[],
  time: Date,
): Promise<HouseholdRecord> {
  const row = await tx.one<HouseholdRecord>(sql`
    UPDATE household SET version = version + 1, update_time = ${time}, members = (
      SELECT count(*) FROM household_member m WHERE m.household_id = household.household_id AND m.leave_time IS NULL)
    WHERE household_id = ${household.householdId} RETURNING ${householdColumns}`);
  const events = changed.map(({ partyId, organisationPath, role }) => ({
    message: HouseholdChanged.fromPartial({
      party: partyName(partyId),
      household: householdName(household.householdId),
      kind: household.kind,
      role,
      members: row.members,
      organisationPath,
      changeTime: time,
    }),
    options: { aggregate: partyId, subject: householdName(household.householdId) },
  }));
  await publishAll(tx, HouseholdChanged, events);
  return row;
}
