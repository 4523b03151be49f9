export { uuidText, uuidv7, writeUuidv7 } from './ids.js';
export { type Clock, systemClock } from './clock.js';
export { address, flag, parseAddress, readConfig } from './config.js';
export {
  analyticsRules,
  analyticsSettings,
  migrationSettings,
  serviceRules,
  serviceSettings,
  timeZone,
  tlsOf,
  tlsRules,
} from './settings.js';
export { type Commands, runCommand } from './command.js';
export { createLogger, logger } from './logger.js';
export { createHealth, type Health } from './health.js';
export { type MetricsHandler, serveOps } from './ops.js';
export { every, type Running, runUntilSignal, type ShutdownOptions } from './lifecycle.js';
export { watch } from './watch.js';
