export { firstMeasuredDay, measureParties } from './measure-parties.js';
export {
  changeColumns,
  changeFromJson,
  changeMessage,
  type ChangeRecord,
  eventColumns,
  eventMessage,
  type EventRecord,
} from './records.js';
