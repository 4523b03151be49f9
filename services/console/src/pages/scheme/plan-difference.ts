/** One place where two plans differ; a side is empty where it says nothing of it. */
export interface Difference {
  /** Where, for example `tiers.tiers.gold.enterAssets`. */
  path: string;
  before: string;
  after: string;
}

/** What a plan says, place by place. Groups are called by their id, so that one put in between changes no other. */
function placesOf(value: unknown, path: string, into: Map<string, string>): Map<string, string> {
  if (Array.isArray(value)) {
    value.forEach((one: unknown, index) => {
      const id = (one as { group?: { groupId?: string } } | null)?.group?.groupId;
      const code = (one as { code?: string } | null)?.code;
      placesOf(one, `${path}.${id ?? code ?? index + 1}`, into);
    });
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, one] of Object.entries(value)) placesOf(one, path === '' ? key : `${path}.${key}`, into);
  } else if (value !== undefined && value !== null && value !== '') {
    into.set(path, String(value));
  }
  return into;
}

/** Where two plans differ, in the order of the later one; what only the earlier one says comes last. Pure. */
export function planDifferences(before: object, after: object): Difference[] {
  const [old, now] = [placesOf(before, '', new Map()), placesOf(after, '', new Map())];
  return [...new Set([...now.keys(), ...old.keys()])]
    .map((path) => ({ path, before: old.get(path) ?? '', after: now.get(path) ?? '' }))
    .filter((one) => one.before !== one.after);
}
