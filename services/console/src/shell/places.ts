import type { Ability } from '../shared/access.js';

interface Place {
  path: string;
  /** How the addresses of further pages begin that belong to it. */
  also?: string;
  key: string;
  word: string;
  ability: Ability;
}

/** The pages of the menu; `g` and then the key leads there. */
export const places: readonly Place[] = [
  { path: '/parties', key: 'c', word: 'menu.parties', ability: 'viewParties' },
  { path: '/segments', also: '/segmentation/', key: 's', word: 'menu.segments', ability: 'viewSegments' },
  { path: '/campaigns', key: 'm', word: 'menu.campaigns', ability: 'viewCampaigns' },
  { path: '/cases', key: 'k', word: 'menu.cases', ability: 'viewCases' },
  { path: '/matches', key: 'a', word: 'menu.matching', ability: 'viewMatches' },
  { path: '/quality', key: 'q', word: 'menu.quality', ability: 'viewQuality' },
  { path: '/imports', key: 'i', word: 'menu.imports', ability: 'viewImports' },
  { path: '/sources', key: 'o', word: 'menu.sources', ability: 'viewSources' },
  { path: '/requests', key: 'p', word: 'menu.requests', ability: 'viewRequests' },
  { path: '/ranking', key: 'r', word: 'menu.ranking', ability: 'viewStaff' },
  { path: '/dashboard', key: 'd', word: 'menu.dashboard', ability: 'viewDashboard' },
  { path: '/audit', key: 'v', word: 'menu.audit', ability: 'verifyAudit' },
];
