-- Parties, what they have, what happened to them, what they agreed to, and the imports that brought them.
-- Whatever belongs to a party carries its organisation path and manager, so that row security needs no join.

CREATE TABLE party (
  party_id uuid NOT NULL,
  kind smallint NOT NULL CHECK (kind IN (1, 2)),
  display_name text NOT NULL,
  given_name text NOT NULL DEFAULT '',
  family_name text NOT NULL DEFAULT '',
  salutation text NOT NULL DEFAULT '',
  sex smallint NOT NULL DEFAULT 0 CHECK (sex BETWEEN 0 AND 3),
  birth_date date,
  legal_name text NOT NULL DEFAULT '',
  legal_form text NOT NULL DEFAULT '',
  wrapped_key bytea NOT NULL,
  sealed bytea NOT NULL,
  organisation_path text NOT NULL CHECK (organisation_path ~ '^(/|(/[a-z0-9_-]+)+)$'),
  manager text NOT NULL DEFAULT '',
  region text NOT NULL DEFAULT '',
  district text NOT NULL DEFAULT '',
  branch text NOT NULL DEFAULT '',
  time_zone text NOT NULL DEFAULT '',
  language text NOT NULL DEFAULT '',
  synthetic boolean NOT NULL DEFAULT false,
  state smallint NOT NULL DEFAULT 1 CHECK (state BETWEEN 1 AND 3),
  source text,
  source_key text,
  content bigint,
  version integer NOT NULL DEFAULT 1,
  create_time timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  update_time timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT party_pkey PRIMARY KEY (party_id),
  CHECK ((source IS NULL) = (source_key IS NULL))
);
CREATE UNIQUE INDEX party_source_source_key_key ON party (source, source_key);
CREATE INDEX party_manager_party_id_idx ON party (manager, party_id);

-- Row security lets only leakproof operators near an index, and LIKE is none: a trigram index would never be used.
-- Comparisons of text are leakproof, so names are found as ranges of words. The collation makes ranges prefixes.
CREATE TABLE party_word (
  party_id uuid NOT NULL,
  word text COLLATE "C" NOT NULL,
  organisation_path text NOT NULL,
  manager text NOT NULL,
  CONSTRAINT party_word_pkey PRIMARY KEY (party_id, word)
);
CREATE INDEX party_word_word_party_id_idx ON party_word (word, party_id);

CREATE TABLE party_contact (
  party_id uuid NOT NULL,
  kind smallint NOT NULL,
  digest bytea NOT NULL,
  organisation_path text NOT NULL,
  manager text NOT NULL,
  CONSTRAINT party_contact_pkey PRIMARY KEY (party_id, kind, digest)
);
CREATE INDEX party_contact_digest_kind_idx ON party_contact (digest, kind);

-- Stands in for a unique index over all partitions, and like an index it is not subject to row security: a key taken
-- outside of the caller's view must still be refused. Holds keys of source systems and ids, nothing else.
CREATE TABLE natural_key (
  source text NOT NULL,
  kind smallint NOT NULL,
  source_key text NOT NULL,
  party_id uuid NOT NULL,
  id uuid NOT NULL,
  content bigint NOT NULL,
  CONSTRAINT natural_key_pkey PRIMARY KEY (source, kind, source_key)
);

CREATE TABLE holding (
  party_id uuid NOT NULL,
  holding_id uuid NOT NULL,
  kind smallint NOT NULL CHECK (kind BETWEEN 1 AND 4),
  details jsonb NOT NULL,
  owners jsonb NOT NULL,
  account_party_id uuid,
  account_holding_id uuid,
  opened_date date,
  closed_date date,
  status smallint NOT NULL DEFAULT 1 CHECK (status IN (1, 2)),
  currency text NOT NULL DEFAULT '',
  balance bigint,
  balance_time timestamptz(3),
  balance_sequence integer,
  organisation_path text NOT NULL,
  manager text NOT NULL DEFAULT '',
  source text,
  source_key text,
  version integer NOT NULL DEFAULT 1,
  create_time timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  update_time timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT holding_pkey PRIMARY KEY (party_id, holding_id),
  CHECK (kind = 4 OR opened_date IS NOT NULL)
) PARTITION BY HASH (party_id);

CREATE TABLE holding_role (
  party_id uuid NOT NULL,
  holding_party_id uuid NOT NULL,
  holding_id uuid NOT NULL,
  role smallint NOT NULL CHECK (role IN (1, 2)),
  organisation_path text NOT NULL,
  manager text NOT NULL DEFAULT '',
  CONSTRAINT holding_role_pkey PRIMARY KEY (party_id, holding_party_id, holding_id)
) PARTITION BY HASH (party_id);

-- The primary key is also the order of reading: the newest of a holding first, walked backwards.
CREATE TABLE transaction (
  party_id uuid NOT NULL,
  holding_id uuid NOT NULL,
  time timestamptz(3) NOT NULL,
  sequence integer NOT NULL CHECK (sequence >= 1),
  transaction_id uuid NOT NULL,
  booking_date date NOT NULL,
  booking_time timestamptz(3),
  direction smallint NOT NULL CHECK (direction IN (1, 2)),
  operation smallint NOT NULL CHECK (operation BETWEEN 1 AND 9),
  amount bigint NOT NULL CHECK (amount > 0),
  currency text NOT NULL,
  balance_after bigint,
  purpose text NOT NULL DEFAULT '',
  counterparty_account text NOT NULL DEFAULT '',
  counterparty_bank text NOT NULL DEFAULT '',
  source text,
  source_key text,
  organisation_path text NOT NULL,
  manager text NOT NULL DEFAULT '',
  create_time timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT transaction_pkey PRIMARY KEY (party_id, holding_id, time, sequence, transaction_id)
) PARTITION BY HASH (party_id);

CREATE TABLE interaction (
  party_id uuid NOT NULL,
  time timestamptz(3) NOT NULL,
  interaction_id uuid NOT NULL,
  channel smallint NOT NULL CHECK (channel BETWEEN 1 AND 7),
  direction smallint NOT NULL CHECK (direction IN (1, 2)),
  kind text NOT NULL,
  subject text NOT NULL DEFAULT '',
  note text NOT NULL DEFAULT '',
  staff text NOT NULL DEFAULT '',
  related text NOT NULL DEFAULT '',
  source text,
  source_key text,
  organisation_path text NOT NULL,
  manager text NOT NULL DEFAULT '',
  create_time timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT interaction_pkey PRIMARY KEY (party_id, time, interaction_id)
) PARTITION BY HASH (party_id);

CREATE TABLE consent (
  party_id uuid NOT NULL,
  purpose text NOT NULL,
  channel smallint NOT NULL CHECK (channel BETWEEN 1 AND 7),
  effective_time timestamptz(3) NOT NULL,
  consent_id uuid NOT NULL,
  state smallint NOT NULL CHECK (state IN (1, 2)),
  text_version text NOT NULL,
  proof text NOT NULL DEFAULT '',
  recorded_by text NOT NULL,
  organisation_path text NOT NULL,
  manager text NOT NULL DEFAULT '',
  create_time timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT consent_pkey PRIMARY KEY (party_id, purpose, channel, effective_time, consent_id)
) PARTITION BY HASH (party_id);

CREATE TABLE import_run (
  import_id uuid NOT NULL,
  source text NOT NULL,
  file text NOT NULL,
  organisation_path text NOT NULL,
  kind smallint NOT NULL,
  rows integer NOT NULL DEFAULT 0,
  digest text NOT NULL DEFAULT '',
  counts jsonb NOT NULL DEFAULT '{}',
  create_time timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  complete_time timestamptz(3),
  CONSTRAINT import_run_pkey PRIMARY KEY (import_id)
);

CREATE TABLE import_reject (
  import_id uuid NOT NULL,
  line bigint NOT NULL,
  ordinal integer NOT NULL,
  kind smallint NOT NULL,
  field text NOT NULL,
  reason text NOT NULL,
  message text NOT NULL,
  original_value text NOT NULL,
  organisation_path text NOT NULL,
  CONSTRAINT import_reject_pkey PRIMARY KEY (import_id, line, ordinal)
);

DO $$
DECLARE
  parent text;
BEGIN
  FOREACH parent IN ARRAY ARRAY['holding', 'holding_role', 'transaction', 'interaction', 'consent'] LOOP
    FOR part IN 0..15 LOOP
      EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES WITH (MODULUS 16, REMAINDER %s)',
        parent || '_' || part, parent, part);
      -- Row security of the parent does not guard a partition that is named directly.
      EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', parent || '_' || part);
      EXECUTE format('CREATE POLICY seen ON %I USING (kit.sees(organisation_path, manager))', parent || '_' || part);
    END LOOP;
  END LOOP;
  FOREACH parent IN ARRAY ARRAY['party', 'party_word', 'party_contact', 'holding', 'holding_role', 'transaction',
    'interaction', 'consent'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', parent);
    EXECUTE format('CREATE POLICY seen ON %I USING (kit.sees(organisation_path, manager))', parent);
  END LOOP;
  FOREACH parent IN ARRAY ARRAY['import_run', 'import_reject'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', parent);
    EXECUTE format('CREATE POLICY seen ON %I USING (kit.sees(organisation_path, NULL))', parent);
  END LOOP;
END
$$;
