-- migrate:no-transaction
-- A record has no place in the chain when it is written, so that the index of places need not know of it yet: one index
-- of four less for every insert.
CREATE UNIQUE INDEX CONCURRENTLY audit_chain ON kit.audit (chain_seq) WHERE chain_seq IS NOT NULL;
