-- How parties belong together, who looked after them before, and how they like to be served.

-- Each relationship stands twice, with either party, so that both are read from their own partition and seen by whoever
-- may see that party.
CREATE TABLE relationship (
  party_id uuid NOT NULL,
  relationship_id uuid NOT NULL,
  other_party_id uuid NOT NULL,
  forward boolean NOT NULL,
  kind smallint NOT NULL CHECK (kind BETWEEN 1 AND 13),
  share integer NOT NULL DEFAULT 0 CHECK (share BETWEEN 0 AND 10000),
  start_date date,
  end_date date,
  evidence text NOT NULL DEFAULT '',
  recorded_by text NOT NULL,
  version integer NOT NULL DEFAULT 1,
  create_time timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  organisation_path text NOT NULL,
  manager text NOT NULL DEFAULT '',
  CONSTRAINT relationship_pkey PRIMARY KEY (party_id, relationship_id),
  CHECK (party_id <> other_party_id),
  CHECK (end_date >= start_date)
) PARTITION BY HASH (party_id);

-- Holds nothing of a customer but how many they are: who they are stands in household_member.
CREATE TABLE household (
  household_id uuid NOT NULL,
  kind smallint NOT NULL CHECK (kind IN (1, 2)),
  members integer NOT NULL,
  version integer NOT NULL DEFAULT 1,
  create_time timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  update_time timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT household_pkey PRIMARY KEY (household_id)
);

CREATE TABLE household_member (
  party_id uuid NOT NULL,
  household_id uuid NOT NULL,
  join_time timestamptz(3) NOT NULL,
  leave_time timestamptz(3),
  kind smallint NOT NULL CHECK (kind IN (1, 2)),
  role smallint NOT NULL CHECK (role BETWEEN 1 AND 3),
  organisation_path text NOT NULL,
  manager text NOT NULL DEFAULT '',
  CONSTRAINT household_member_pkey PRIMARY KEY (party_id, household_id, join_time)
);
CREATE UNIQUE INDEX household_member_current_key ON household_member (party_id, kind) WHERE leave_time IS NULL;
CREATE INDEX household_member_household_id_idx ON household_member (household_id);

-- Who looked after a party until end_time; who does now stands in the party. A row is written when that changes and not
-- before, so that bringing in parties costs nothing.
CREATE TABLE former_assignment (
  party_id uuid NOT NULL,
  end_time timestamptz(3) NOT NULL,
  former_manager text NOT NULL,
  former_path text NOT NULL,
  former_branch text NOT NULL,
  reason text NOT NULL DEFAULT '',
  organisation_path text NOT NULL,
  manager text NOT NULL DEFAULT '',
  CONSTRAINT former_assignment_pkey PRIMARY KEY (party_id, end_time)
);

CREATE TABLE preference (
  party_id uuid NOT NULL,
  channel smallint NOT NULL CHECK (channel BETWEEN 0 AND 7),
  contact_windows jsonb NOT NULL DEFAULT '[]',
  topics text[] NOT NULL DEFAULT '{}',
  version integer NOT NULL DEFAULT 1,
  update_time timestamptz(3) NOT NULL,
  organisation_path text NOT NULL,
  manager text NOT NULL DEFAULT '',
  CONSTRAINT preference_pkey PRIMARY KEY (party_id)
);

DO $$
DECLARE
  kept text;
BEGIN
  FOR part IN 0..15 LOOP
    EXECUTE format('CREATE TABLE %I PARTITION OF relationship FOR VALUES WITH (MODULUS 16, REMAINDER %s)',
      'relationship_' || part, part);
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', 'relationship_' || part);
    EXECUTE format('CREATE POLICY seen ON %I USING (kit.sees(organisation_path, manager))', 'relationship_' || part);
  END LOOP;
  FOREACH kept IN ARRAY ARRAY['relationship', 'household_member', 'former_assignment', 'preference'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', kept);
    EXECUTE format('CREATE POLICY seen ON %I USING (kit.sees(organisation_path, manager))', kept);
  END LOOP;
END
$$;

-- In the database, because parties are changed from several places and by versions of the service that know nothing of
-- it. A party that is merged stands where the other does, which is no change of who looks after it.
CREATE FUNCTION note_assignments() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO former_assignment (party_id, end_time, former_manager, former_path, former_branch, reason,
    organisation_path, manager)
  SELECT after.party_id, after.update_time, before.manager, before.organisation_path, before.branch,
    coalesce(current_setting('rapport.reason', true), ''), after.organisation_path, after.manager
  FROM before JOIN after USING (party_id)
  WHERE before.merged_into IS NULL AND after.merged_into IS NULL
    AND (before.manager, before.organisation_path, before.branch)
      IS DISTINCT FROM (after.manager, after.organisation_path, after.branch)
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END
$$;
CREATE TRIGGER party_note_assignments AFTER UPDATE ON party
  REFERENCING OLD TABLE AS before NEW TABLE AS after
  FOR EACH STATEMENT EXECUTE FUNCTION note_assignments();
