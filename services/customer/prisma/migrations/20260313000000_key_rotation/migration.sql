-- How far the wrapping of party keys with another key-encryption key is: one row for each, the last one holds. It names
-- keys by their ids and holds nothing about parties. What the lease "key rotation" remembered before is not needed: the
-- service looks through the keys once more and finds them wrapped.
CREATE TABLE key_rotation (
  rotation_id uuid NOT NULL,
  key_id text NOT NULL,
  -- The last party whose key was looked at.
  walked_to uuid,
  total bigint NOT NULL,
  done bigint NOT NULL DEFAULT 0,
  rewrapped bigint NOT NULL DEFAULT 0,
  started_by text NOT NULL,
  start_time timestamptz(3) NOT NULL,
  complete_time timestamptz(3),
  CONSTRAINT key_rotation_pkey PRIMARY KEY (rotation_id)
);
