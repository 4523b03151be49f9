import { sql } from '@rapport/kit/db';
import { type Call, scopeFor } from '@rapport/kit/rpc';
import {
  type BatchGetContactabilityRequest,
  type BatchGetContactabilityResponse,
  type Contactability,
  type ContactPoint,
  type ContactWindow,
  ConsentState,
} from '@rapport/proto/customer/v1';
import { Channel } from '@rapport/proto/type/v1';
import { seen } from '../access/access.js';
import type { Deps } from '../deps.js';
import { idsIn, membersOf, openParty, partyColumns, partyName, type PartyRecord } from '../party/party.js';
import { stateAt } from './consent.js';

interface Row extends PartyRecord {
  consent: number | null;
  expireTime: Date | null;
  preferredChannel: number | null;
  contactWindows: ContactWindow[] | null;
}

/** Gives addresses, consents and names for a message on one channel, for the moment of sending. */
export async function batchGetContactability(
  deps: Deps,
  request: BatchGetContactabilityRequest,
  call: Call,
): Promise<BatchGetContactabilityResponse> {
  const ids = request.parties.flatMap((name) => idsIn(name) ?? []);
  const scope = scopeFor(call, 'C2');
  const asOf = deps.clock.now();
  const rows = await deps.db.scoped(scope).rows<Row>(sql`
    SELECT ${partyColumns}, said.state AS consent, said.expire_time AS "expireTime",
      liked.channel AS "preferredChannel", liked.contact_windows AS "contactWindows"
    FROM party LEFT JOIN LATERAL (
      SELECT c.state, c.expire_time FROM unnest(party.party_id || party.aliases) AS member (id) CROSS JOIN LATERAL (
        SELECT * FROM consent c
        WHERE c.party_id = member.id AND c.purpose = ${request.purpose} AND c.channel = ${request.channel}
        ORDER BY c.effective_time DESC, c.consent_id DESC LIMIT 1) c
      ORDER BY c.effective_time DESC, c.consent_id DESC LIMIT 1) said ON true
    LEFT JOIN LATERAL (
      SELECT f.channel, f.contact_windows FROM preference f WHERE f.party_id = ANY(party.party_id || party.aliases)
      ORDER BY f.update_time DESC, f.party_id LIMIT 1) liked ON true
    WHERE party.party_id IN (SELECT golden_id FROM party WHERE party_id = ANY(${ids}::uuid[]))
      AND ${seen(scope, 'party')}`);
  const found = new Map(rows.flatMap((row) => membersOf(row).map((id) => [partyName(id), row])));
  await deps.reads.record(
    call,
    rows.map((row) => partyName(row.partyId)),
  );
  return {
    contactabilities: request.parties.flatMap((name) => {
      const row = found.get(name);
      return row ? [contactability(deps, name, row, request.channel, asOf)] : [];
    }),
    missing: request.parties.filter((name) => !found.has(name)),
    asOf,
  };
}

function contactability(deps: Deps, party: string, row: Row, channel: Channel, now: Date): Contactability {
  return {
    party,
    goldenParty: partyName(row.partyId),
    address: addressFor(channel, openParty(deps.cipher, row).contactPoints),
    consentState:
      row.consent === null
        ? ConsentState.CONSENT_STATE_UNSPECIFIED
        : stateAt({ state: row.consent, expireTime: row.expireTime }, now),
    timeZone: row.timeZone || deps.bank.timeZone,
    language: row.language || deps.bank.language,
    displayName: row.displayName,
    salutation: row.salutation || row.displayName,
    givenName: row.givenName,
    familyName: row.familyName,
    state: row.state,
    organisationPath: row.organisationPath,
    relationshipManager: row.manager,
    synthetic: row.synthetic,
    preferredChannel: row.preferredChannel ?? Channel.CHANNEL_UNSPECIFIED,
    contactWindows: row.contactWindows ?? [],
  };
}

const kindFor: Partial<Record<Channel, NonNullable<ContactPoint['point']>['$case']>> = {
  [Channel.CHANNEL_EMAIL]: 'email',
  [Channel.CHANNEL_SMS]: 'phone',
  [Channel.CHANNEL_PHONE]: 'phone',
  [Channel.CHANNEL_POST]: 'postalAddress',
};

/** Imports keep numbers and addresses that cannot be right; nothing is sent there. */
function reachable(point: ContactPoint['point']): boolean {
  if (point?.$case === 'phone') return /^\+[1-9]\d{4,16}$/.test(point.value);
  return point?.$case !== 'email' || /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(point.value);
}

/** The preferred address of the channel's kind, else the first; empty when there is none. */
export function addressFor(channel: Channel, points: readonly ContactPoint[]): string {
  const fitting = points.filter(({ point }) => point?.$case === kindFor[channel] && reachable(point));
  const point = (fitting.find(({ preferred }) => preferred) ?? fitting[0])?.point;
  if (point === undefined) return '';
  if (point.$case !== 'postalAddress') return point.value;
  const { lines, postalCode, locality, region, countryCode } = point.value;
  return [...lines, `${postalCode} ${locality}`.trim(), region, countryCode].filter((line) => line !== '').join('\n');
}
