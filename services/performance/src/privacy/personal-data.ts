import type { PersonalRow } from '@rapport/kit/events';

/** Gives the function that gathers what this service keeps about parties: nothing, as `erase-party.ts` says. */
export function personalData() {
  return async function* (): AsyncIterable<PersonalRow> {};
}
