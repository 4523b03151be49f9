-- Which parties may be one customer.

-- Blocking keys of golden records: 64 bits of a keyed hash over at least two facts, nothing that can be read or tried
-- out. Without row security, because the matcher alone reads it and a key says nothing of whom it is about.
CREATE TABLE match_key (
  key bigint NOT NULL,
  party_id uuid NOT NULL,
  CONSTRAINT match_key_pkey PRIMARY KEY (key, party_id)
);
-- The keys that a party has, so that they can be taken away again.
CREATE TABLE match_profile (
  party_id uuid NOT NULL,
  keys bigint[] NOT NULL,
  CONSTRAINT match_profile_pkey PRIMARY KEY (party_id)
);
-- Parties that were made or changed and are to be matched.
CREATE TABLE match_queue (
  party_id uuid NOT NULL,
  change bigint GENERATED ALWAYS AS IDENTITY,
  CONSTRAINT match_queue_pkey PRIMARY KEY (party_id)
);
CREATE INDEX match_queue_change_idx ON match_queue (change);

-- What the matcher learned, newest version last. Values are counted under keyed hashes.
CREATE TABLE match_model (
  version integer GENERATED ALWAYS AS IDENTITY,
  parameters jsonb NOT NULL,
  bands jsonb NOT NULL,
  terms jsonb NOT NULL DEFAULT '[]',
  records integer NOT NULL,
  iterations integer NOT NULL,
  create_time timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT match_model_pkey PRIMARY KEY (version)
);

-- One matching of a whole bank. state: 1 running, 2 completed, 3 failed.
CREATE TABLE match_run (
  run_id uuid NOT NULL,
  organisation_path text NOT NULL,
  state smallint NOT NULL DEFAULT 1 CHECK (state BETWEEN 1 AND 3),
  stage smallint NOT NULL DEFAULT 1,
  done bigint NOT NULL DEFAULT 0,
  total bigint NOT NULL DEFAULT 0,
  records bigint NOT NULL DEFAULT 0,
  compared_pairs bigint NOT NULL DEFAULT 0,
  auto_pairs bigint NOT NULL DEFAULT 0,
  review_pairs bigint NOT NULL DEFAULT 0,
  skipped_blocks bigint NOT NULL DEFAULT 0,
  model_version integer,
  started_by text NOT NULL,
  create_time timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  complete_time timestamptz(3),
  CONSTRAINT match_run_pkey PRIMARY KEY (run_id)
);
CREATE UNIQUE INDEX match_run_running_key ON match_run (organisation_path) WHERE state = 1;

-- Two golden records that may be one customer, and what was decided about them. state: 1 open (for a steward), 2 to be
-- merged by itself, 3 same, 4 different, 5 never, 6 lapsed (they are one, or no longer alike). The place is the lowest one
-- that has both below it.
CREATE TABLE match_candidate (
  candidate_id uuid NOT NULL,
  party_id uuid NOT NULL,
  other_party_id uuid NOT NULL,
  state smallint NOT NULL CHECK (state BETWEEN 1 AND 6),
  weight real NOT NULL,
  model_version integer NOT NULL,
  decided_by text NOT NULL DEFAULT '',
  reason text NOT NULL DEFAULT '',
  decide_time timestamptz(3),
  merged_party_id uuid,
  version integer NOT NULL DEFAULT 1,
  create_time timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  organisation_path text NOT NULL,
  CONSTRAINT match_candidate_pkey PRIMARY KEY (candidate_id),
  CHECK (party_id < other_party_id)
);
CREATE UNIQUE INDEX match_candidate_pair_key ON match_candidate (party_id, other_party_id);
CREATE INDEX match_candidate_other_idx ON match_candidate (other_party_id);
CREATE INDEX match_candidate_state_idx ON match_candidate (state, weight DESC, candidate_id);

ALTER TABLE match_run ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY seen ON match_run USING (kit.sees(organisation_path, NULL));
ALTER TABLE match_candidate ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY seen ON match_candidate USING (kit.sees(organisation_path, NULL));
