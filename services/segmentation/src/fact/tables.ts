/**
 * What rules read, in ClickHouse. Each row is a fact as an event told it, keyed by what it is about, so that the same
 * event again makes the same row and the newest version of a row wins. Days are numbers such as 19940331, 0 for none.
 * Amounts are in whole units of their currency.
 */
export const factTables: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS party (
    party UUID,
    organisation_path String,
    manager String,
    kind LowCardinality(String),
    sex LowCardinality(String),
    birth_date Int32,
    region LowCardinality(String),
    district LowCardinality(String),
    branch LowCardinality(String),
    source LowCardinality(String),
    version UInt64
  ) ENGINE = ReplacingMergeTree(version) ORDER BY party`,
  `CREATE TABLE IF NOT EXISTS holding (
    party UUID,
    holding UUID,
    organisation_path String,
    kind LowCardinality(String),
    owner Bool,
    opened_date Int32,
    version UInt64
  ) ENGINE = ReplacingMergeTree(version) ORDER BY (party, holding)`,
  `CREATE TABLE IF NOT EXISTS booked_transaction (
    party UUID,
    booking_date Int32,
    transaction UUID,
    holding UUID,
    organisation_path String,
    holding_kind LowCardinality(String),
    owner Bool,
    sequence Int32,
    direction LowCardinality(String),
    operation LowCardinality(String),
    amount Decimal(18, 4),
    balance_after Nullable(Decimal(18, 4)),
    version UInt64
  ) ENGINE = ReplacingMergeTree(version) ORDER BY (party, booking_date, transaction)`,
  `CREATE TABLE IF NOT EXISTS consent (
    party UUID,
    purpose LowCardinality(String),
    channel LowCardinality(String),
    effective_time DateTime64(3, 'UTC'),
    consent UUID,
    organisation_path String,
    granted Bool,
    version UInt64
  ) ENGINE = ReplacingMergeTree(version) ORDER BY (party, purpose, channel, effective_time, consent)`,
  // The state came later than the table; a party of which it is not known counts as in ordinary use.
  `ALTER TABLE party ADD COLUMN IF NOT EXISTS state LowCardinality(String) DEFAULT ''`,
  // A merged party and the golden record that it answers as; its own id after an unmerge. The version is the time of
  // the merge in milliseconds.
  `CREATE TABLE IF NOT EXISTS party_alias (
    party UUID,
    golden UUID,
    version UInt64
  ) ENGINE = ReplacingMergeTree(version) ORDER BY party`,
  `ALTER TABLE holding ADD COLUMN IF NOT EXISTS closed_date Int32 DEFAULT 0`,
];
