// The test kit: real engines for tests, isolated per test file. Imported from tests only.
export { type TestBus, testBus } from './bus.js';
export { type TestDatabase, testDatabase } from './database.js';
export { type Identity, serviceToken, type TestAuth, type TokenClaims, testAuth, testToken } from './identity.js';
export { type Run, testRun } from './run.js';
export { type SuiteService, suiteServices, type TestSuite, testSuite } from './suite.js';
