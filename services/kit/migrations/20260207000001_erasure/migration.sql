-- An erasure goes in steps: the tombstone keeps later events out, what is kept is removed once every transaction that
-- may not have seen the tombstone is over, a receipt is published, and the events are forgotten.
ALTER TABLE kit.tombstone
  ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  -- What was erased, as a resource name, and where in the bank it stood.
  ADD COLUMN subject text NOT NULL DEFAULT '',
  ADD COLUMN organisation_path text NOT NULL DEFAULT '/',
  -- When everything was removed here and the receipt was published.
  ADD COLUMN answered_at timestamptz;
DROP INDEX kit.tombstone_waiting;
CREATE INDEX tombstone_waiting ON kit.tombstone (erased_at) WHERE forgotten_at IS NULL OR answered_at IS NULL;
