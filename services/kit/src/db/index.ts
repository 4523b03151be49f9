// The database door: pool, transactions, tagged SQL, row scopes, migrations.
export { openDatabase } from './database.js';
export { copyColumns, type CopyWriter, copyWriter } from './copy-writer.js';
export { horizon } from './horizon.js';
export { type MigrateOptions, migrate, migrateService } from './migrate.js';
export { covers, everything, type Scope, type ScopeColumns, scopeFilter, within } from './scope.js';
export { type ScrubOptions, scrubService } from './scrub.js';
export { type Sql, sql } from './sql.js';
export type { Database, DatabaseOptions, GroupedRead, PoolMetric, Queryable, Tx } from './types.js';
export { type Lease, type LeaseOptions, leased } from './lease.js';
export { deleteWith, inWords, rowsWith, type TableWith, tablesWith } from './tables.js';
