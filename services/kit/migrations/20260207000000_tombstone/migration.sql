-- Aggregates that were erased. Whatever comes of them later (a redelivery, a stream that was filled again from a backup)
-- must not bring them back. Holds ids, nothing else.
CREATE TABLE kit.tombstone (
  aggregate text PRIMARY KEY,
  request text NOT NULL,
  erased_at timestamptz NOT NULL DEFAULT now(),
  -- When their events were taken out of the outbox and the stream; null while that is to be done.
  forgotten_at timestamptz
);
CREATE INDEX tombstone_waiting ON kit.tombstone (erased_at) WHERE forgotten_at IS NULL;

-- What an answer is about, so that it can be erased before its seven days are over.
ALTER TABLE kit.idempotency ADD COLUMN resource text;
CREATE INDEX idempotency_resource ON kit.idempotency (resource text_pattern_ops) WHERE resource IS NOT NULL;

-- Who was shown a customer is asked for the customer and all below it: parties/{id} and parties/{id}/…. An index in the
-- order of bytes finds both, whatever the collation of the database.
CREATE INDEX audit_resource_prefix ON kit.audit (resource text_pattern_ops, at);
DROP INDEX kit.audit_resource;
