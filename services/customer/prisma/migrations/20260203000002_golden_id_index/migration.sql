-- migrate:no-transaction
CREATE INDEX CONCURRENTLY party_golden_id_idx ON party (golden_id);
