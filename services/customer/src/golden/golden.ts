export { mergeFromJson, mergeMessage, mergeTrees, type MergeRow, mergeColumns, unmergeTree } from './merge.js';
export { openedRecord } from './opened.js';
export { keepFirst, type Settled, settle, store } from './settle.js';
export { stateByStaff } from './staff.js';
export { criterionNames, readRules, rulesAt } from './rules.js';
export type { Provenance } from './survivorship.js';
export { loadTrees, type Member, state, treeOf } from './tree.js';
