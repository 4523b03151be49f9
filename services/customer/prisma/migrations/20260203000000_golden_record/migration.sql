-- One golden record per customer: parties merge by pointing at each other, never by moving rows, so that a merge can be
-- taken back exactly. merged_into makes a forest; golden_id is the root of the tree (the own id while unmerged); a root
-- lists all others of its tree in aliases, so that a read of the root needs no second look-up. What belongs to a party
-- keeps the party id it was written under. While a party is merged, it and what belongs to it stand where the root
-- stands; where it stands by itself is kept in own_organisation_path and own_manager until it is unmerged.
ALTER TABLE party
  ADD COLUMN golden_id uuid,
  ADD COLUMN merged_into uuid,
  ADD COLUMN aliases uuid[] NOT NULL DEFAULT '{}',
  ADD COLUMN own_organisation_path text,
  ADD COLUMN own_manager text,
  ADD CONSTRAINT party_merged_check CHECK ((merged_into IS NULL) = (golden_id = party_id)),
  ADD CONSTRAINT party_aliases_check CHECK (merged_into IS NULL OR aliases = '{}'),
  ADD CONSTRAINT party_own_place_check CHECK ((own_organisation_path IS NULL) = (merged_into IS NULL)
    AND (own_manager IS NULL) = (merged_into IS NULL));

-- A version of the service that knows nothing of golden records goes on inserting and updating parties meanwhile.
CREATE FUNCTION own_golden_id() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.golden_id := NEW.party_id;
  RETURN NEW;
END
$$;
CREATE TRIGGER party_own_golden_id BEFORE INSERT OR UPDATE ON party
  FOR EACH ROW WHEN (NEW.golden_id IS NULL) EXECUTE FUNCTION own_golden_id();

-- The systems that parties come from. Holds nothing personal.
CREATE TABLE source (
  source text NOT NULL,
  kind smallint NOT NULL CHECK (kind BETWEEN 0 AND 6),
  priority integer NOT NULL CHECK (priority BETWEEN 0 AND 1000),
  titles jsonb NOT NULL DEFAULT '{}',
  version integer NOT NULL DEFAULT 1,
  create_time timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  update_time timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT source_pkey PRIMARY KEY (source)
);

-- What a source said about a party, as received, sealed with the party's key; the newest version and some before it.
-- A record belongs to its home party for ever. field_times names the fields that are older than the version, paths the
-- only fields that the record speaks of (NULL: all).
CREATE TABLE source_record (
  party_id uuid NOT NULL,
  record_id uuid NOT NULL,
  version integer NOT NULL,
  latest boolean NOT NULL DEFAULT true,
  source text NOT NULL,
  source_key text NOT NULL,
  received_time timestamptz(3) NOT NULL,
  content bigint NOT NULL,
  sealed bytea NOT NULL,
  field_times jsonb NOT NULL DEFAULT '{}',
  paths text[],
  organisation_path text NOT NULL,
  manager text NOT NULL DEFAULT '',
  CONSTRAINT source_record_pkey PRIMARY KEY (party_id, record_id, version)
) PARTITION BY HASH (party_id);

DO $$
BEGIN
  FOR part IN 0..15 LOOP
    EXECUTE format('CREATE TABLE %I PARTITION OF source_record FOR VALUES WITH (MODULUS 16, REMAINDER %s)',
      'source_record_' || part, part);
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', 'source_record_' || part);
    EXECUTE format('CREATE POLICY seen ON %I USING (kit.sees(organisation_path, manager))', 'source_record_' || part);
  END LOOP;
END
$$;
ALTER TABLE source_record ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY seen ON source_record USING (kit.sees(organisation_path, manager));
