export { eventRecord, firstDays, insertEvents, LATEST_AHEAD_MS, publishEvents } from './events.js';
export { firstMeasuredDay, measureParties } from './measure-parties.js';
export {
  baselineColumns,
  baselineMessage,
  type BaselineRecord,
  changeColumns,
  changeFromJson,
  changeMessage,
  type ChangeRecord,
  eventColumns,
  eventMessage,
  type EventRecord,
} from './records.js';
