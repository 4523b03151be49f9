export { followGoals } from './follow-goals.js';
export { goalFromJson, goalJsonColumns, goalMessage, type GoalProgress } from './records.js';
