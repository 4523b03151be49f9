/**
 * One row for each event that was heard: what happened, when, where in the organisation, and a few words and numbers
 * about it. No party, no person. The same event makes the same row, whose key holds the event's id, so a repeated event
 * replaces its row; reads use FINAL and so count each event once, merged or not.
 *
 * Days are those of the bank's calendar. `recorded_time` is when the event was published: it never changes, so repeats
 * meet in the same partition, and months that are no longer wanted can be dropped.
 */
export const factTables: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS fact (
    fact LowCardinality(String),
    occurred_date Date32,
    event_id UUID,
    recorded_time DateTime64(3, 'UTC'),
    organisation_path LowCardinality(String),
    party_kind LowCardinality(String),
    region LowCardinality(String),
    district LowCardinality(String),
    branch LowCardinality(String),
    source LowCardinality(String),
    holding_kind LowCardinality(String),
    direction LowCardinality(String),
    operation LowCardinality(String),
    channel LowCardinality(String),
    purpose LowCardinality(String),
    consent_state LowCardinality(String),
    segment LowCardinality(String),
    campaign LowCardinality(String),
    decision LowCardinality(String),
    reason LowCardinality(String),
    product LowCardinality(String),
    unit LowCardinality(String),
    case_type LowCardinality(String),
    complaint LowCardinality(String),
    priority LowCardinality(String),
    step LowCardinality(String),
    in_time LowCardinality(String),
    plan LowCardinality(String),
    currency LowCardinality(String),
    amount_minor Int64,
    score Nullable(Int32),
    seconds Nullable(Int64)
  ) ENGINE = ReplacingMergeTree
  PARTITION BY toYYYYMM(recorded_time)
  ORDER BY (fact, occurred_date, event_id)`,
];
