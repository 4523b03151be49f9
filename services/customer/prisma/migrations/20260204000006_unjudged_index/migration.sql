-- migrate:no-transaction
CREATE INDEX CONCURRENTLY party_unjudged_idx ON party (party_id) WHERE quality IS NULL;
