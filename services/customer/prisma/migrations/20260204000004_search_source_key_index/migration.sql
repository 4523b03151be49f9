-- migrate:no-transaction
CREATE INDEX CONCURRENTLY party_source_key_idx ON party (source_key);
