-- How far a run over a bank has come, so that one that was cut off goes on: what it learned, and of each slice of blocks
-- that was compared the pairs that it found. Gone when the run is done.
ALTER TABLE match_run ADD COLUMN learned jsonb;
CREATE TABLE match_run_slice (
  run_id uuid NOT NULL,
  digest bytea NOT NULL,
  compared bigint NOT NULL,
  a uuid[] NOT NULL,
  b uuid[] NOT NULL,
  CONSTRAINT match_run_slice_pkey PRIMARY KEY (run_id, digest)
);
