import { fail } from '../errors.js';

/** `parties/{uuid}`. */
export function partyName(partyId: string): string {
  return `parties/${partyId}`;
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The uuids in a resource name such as `parties/{uuid}/holdings/{uuid}`, or undefined when they are none. */
export function idsIn(name: string): string[] | undefined {
  const ids = name.split('/').filter((_part, index) => index % 2 === 1);
  return ids.every((id) => uuid.test(id)) ? ids : undefined;
}

/** The party's uuid; a name that no party can have is simply not found. */
export function partyIdIn(name: string): string {
  const id = idsIn(name)?.[0];
  if (id === undefined) throw fail('PARTY_NOT_FOUND', { metadata: { party: name } });
  return id;
}
