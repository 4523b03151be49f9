// The rule language: what other features may use of it.
export { dayAt } from './calendar.js';
export { compileRules } from './compile.js';
export { dayNumber } from './constant.js';
export { describeRule } from './describe.js';
export type { Problem } from './problem.js';
export { readRule } from './read.js';
export { type DayNumber, featuresOf, type Rule } from './tree.js';
