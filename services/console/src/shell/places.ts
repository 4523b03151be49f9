import type { Ability } from '../shared/access.js';

/** The pages of the menu; `g` and then the key leads there. */
export const places = [
  { path: '/parties', key: 'c', word: 'menu.parties', ability: 'viewParties' },
  { path: '/segments', key: 's', word: 'menu.segments', ability: 'viewSegments' },
  { path: '/campaigns', key: 'm', word: 'menu.campaigns', ability: 'viewCampaigns' },
  { path: '/cases', key: 'k', word: 'menu.cases', ability: 'viewCases' },
  { path: '/ranking', key: 'r', word: 'menu.ranking', ability: 'viewStaff' },
  { path: '/dashboard', key: 'd', word: 'menu.dashboard', ability: 'viewDashboard' },
] as const satisfies readonly { path: string; key: string; word: string; ability: Ability }[];
