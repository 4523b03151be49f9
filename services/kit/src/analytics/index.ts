export {
  type Analytics,
  type AnalyticsOptions,
  openAnalytics,
} from './analytics.js';
export { AnalyticsError } from './errors.js';
export type { Parameter, Parameters } from './parameters.js';
