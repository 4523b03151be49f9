export { uuidv7 } from './ids.js';
export { type Clock, systemClock } from './clock.js';
export { address, flag, parseAddress, readConfig } from './config.js';
export { createLogger, logger } from './logger.js';
export { createHealth, type Health } from './health.js';
export { type MetricsHandler, serveOps } from './ops.js';
export { every, type Running, runUntilSignal, type ShutdownOptions } from './lifecycle.js';
