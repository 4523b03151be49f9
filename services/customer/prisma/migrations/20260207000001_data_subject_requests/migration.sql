-- What people ask for about their own data, what must be kept from being erased, and what erasures have left behind.
CREATE TABLE data_subject_request (
  request_id uuid NOT NULL,
  party_id uuid NOT NULL,
  -- The golden record and those that were merged into it, as they were at the decision.
  members uuid[] NOT NULL,
  kind smallint NOT NULL CHECK (kind BETWEEN 1 AND 6),
  state smallint NOT NULL DEFAULT 1 CHECK (state BETWEEN 1 AND 4),
  receive_time timestamptz(3) NOT NULL,
  due_time timestamptz(3) NOT NULL,
  extension_reason smallint NOT NULL DEFAULT 0,
  identity_check smallint NOT NULL DEFAULT 0,
  refusal_reason smallint NOT NULL DEFAULT 0,
  purpose text NOT NULL DEFAULT '',
  case_name text NOT NULL DEFAULT '',
  organisation_path text NOT NULL,
  manager text NOT NULL DEFAULT '',
  created_by text NOT NULL,
  decided_by text NOT NULL DEFAULT '',
  decide_time timestamptz(3),
  close_time timestamptz(3),
  retain_until timestamptz(3),
  create_time timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT data_subject_request_pkey PRIMARY KEY (request_id),
  CHECK ((close_time IS NOT NULL) = (state IN (3, 4)))
);
CREATE UNIQUE INDEX data_subject_request_open_key ON data_subject_request (party_id, kind) WHERE state IN (1, 2);
CREATE INDEX data_subject_request_due_time_request_id_idx ON data_subject_request (due_time, request_id);
ALTER TABLE data_subject_request ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY seen ON data_subject_request USING (kit.sees(organisation_path, manager));

-- What each service did for an erasure. Holds ids and counts.
CREATE TABLE erasure_receipt (
  request_id uuid NOT NULL,
  party_id uuid NOT NULL,
  service text NOT NULL,
  counts jsonb NOT NULL,
  time timestamptz(3) NOT NULL,
  CONSTRAINT erasure_receipt_pkey PRIMARY KEY (request_id, party_id, service)
);

CREATE TABLE legal_hold (
  party_id uuid NOT NULL,
  hold_id uuid NOT NULL,
  reason smallint NOT NULL CHECK (reason BETWEEN 1 AND 5),
  end_time timestamptz(3) NOT NULL,
  placed_by text NOT NULL,
  place_time timestamptz(3) NOT NULL,
  released_by text NOT NULL DEFAULT '',
  release_time timestamptz(3),
  CONSTRAINT legal_hold_pkey PRIMARY KEY (party_id, hold_id)
);

-- Parties that were erased and whose records of money the law still demands, without names, until a day.
CREATE TABLE retention (
  party_id uuid NOT NULL,
  until_time timestamptz(3) NOT NULL,
  CONSTRAINT retention_pkey PRIMARY KEY (party_id)
);
CREATE INDEX retention_until_time_idx ON retention (until_time);
