-- migrate:no-transaction
CREATE INDEX CONCURRENTLY party_alias_golden_id_idx ON party_alias (golden_id);
