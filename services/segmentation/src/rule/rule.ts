// The rule language: what other features may use of it.
export { dayAt, endOfDay, firstDayOfWindow } from './calendar.js';
export {
  compileLeaves,
  compileRules,
  compileValues,
  compileVerdicts,
  type JudgedRules,
  type DatedLeaf,
} from './compile.js';
export { dayNumber } from './constant.js';
export { CatalogueFileError, declareCatalogue } from './declared.js';
export { describeRule, featureWords, operandWords, valueWords } from './describe.js';
export type { Problem } from './problem.js';
export { readRule, readValue } from './read.js';
export { END_PARTY, FIRST_PARTY } from './sources.js';
export { ruleText } from './text.js';
export {
  type Comparison,
  type DayNumber,
  type Feature,
  featuresOf,
  isDated,
  type Leaf,
  leavesOf,
  type Operand,
  type Rule,
  type SegmentRule,
  listsOf,
  type SchemeGroups,
  schemesOf,
  type SegmentRules,
  segmentsAskedBy,
  segmentsOf,
} from './tree.js';
export type { Values } from './verdict.js';
