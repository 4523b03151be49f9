import type { QueryClient } from '@tanstack/react-query';
import { wholeTimeline } from '../../api/customer.js';
import type { CustomerView } from '../../api/view.js';
import { idOf, isoDay } from '../../shared/format.js';

/** The most that the view gives of tags and life events. */
const MOST = 20;

/**
 * Lays what a view brought where the parts of the page look for it, so that each is read alone only after something in it
 * was changed, or where it has more than the view gives. What the caller may not see is not in the view.
 */
export function seedParts(queries: QueryClient, view: CustomerView): void {
  const name = view.party?.party.name ?? '';
  const own = idOf(name);
  const lay = (key: readonly unknown[], data: unknown) => void queries.setQueryData(['party', own, ...key], data);
  const last = { nextPageToken: '' };
  if (view.goldenRecord) lay(['golden'], view.goldenRecord);
  if (view.households) lay(['households'], view.households);
  if (view.preferences) lay(['preferences'], view.preferences);
  if (view.quality) lay(['quality'], { quality: view.quality.quality });
  if (view.portrait) lay(['tags'], { tags: view.portrait.tags, ...last });
  if (view.lifeEvents && view.lifeEvents.lifeEvents.length < MOST) {
    lay(['life-events'], { lifeEvents: view.lifeEvents.lifeEvents, ...last });
  }
  if (view.spending) lay(['spending', isoDay(view.spending.startDate)], { spending: view.spending.spending });
  if (view.relationships?.more === false) {
    lay(['relationships', false, ''], { relationships: view.relationships.relationships, ...last });
  }
  if (view.assignments?.more === false) {
    lay(['assignments', ''], { assignments: view.assignments.assignments, ...last });
  }
  if (view.merges?.more === false) lay(['merges', ''], { merges: view.merges.merges, ...last });
  if (view.timeline) {
    const { entries, nextPageToken } = view.timeline;
    lay(['timeline', wholeTimeline], { pages: [{ entries, nextPageToken }], pageParams: [''] });
  }
  if (view.dataSubjectRequests?.more === false) {
    const { dataSubjectRequests } = view.dataSubjectRequests;
    queries.setQueryData(['requests', 'of', name, ''], { dataSubjectRequests, ...last });
  }
  for (const { party, displayName } of view.partyNames?.labels ?? []) {
    queries.setQueryData(['party-name', party], displayName);
  }
}

/** The day after the last month of which spending is shown first: that of the newest balance. */
export function spendingUntil({ spending, balances }: CustomerView): string {
  if (spending) return isoDay(spending.endDate);
  const newest = new Date(balances?.asOf ?? Date.now());
  return new Date(Date.UTC(newest.getUTCFullYear(), newest.getUTCMonth() + 1, 1)).toISOString().slice(0, 10);
}
