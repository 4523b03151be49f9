-- The organisation, its staff, KPI plans, facts and scores. Every row that tells of somebody carries an organisation path
-- and the name of the person, so that row security needs no join.
-- Names and paths have the collation "C": an order that never changes with the machine, and everything below a path is
-- one range of an index (`/berka/` to `/berka0`). Row security lets leakproof comparisons near an index, no prefix search.

CREATE TABLE unit (
  unit_id text COLLATE "C" NOT NULL,
  parent_id text COLLATE "C",
  title text NOT NULL,
  kind smallint NOT NULL CHECK (kind BETWEEN 1 AND 4),
  segment text NOT NULL CHECK (segment ~ '^[a-z0-9_-]{1,40}$'),
  organisation_path text COLLATE "C" NOT NULL
    CHECK (organisation_path ~ '^(/[a-z0-9_-]+)+$' AND length(organisation_path) <= 200),
  version integer NOT NULL DEFAULT 1,
  create_time timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  update_time timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT unit_pkey PRIMARY KEY (unit_id),
  CHECK ((kind = 1) = (parent_id IS NULL)),
  CHECK (right(organisation_path, length(segment) + 1) = '/' || segment)
);
CREATE UNIQUE INDEX unit_organisation_path_key ON unit (organisation_path);
CREATE INDEX unit_parent_id_idx ON unit (parent_id);

CREATE TABLE unit_history (
  unit_id text COLLATE "C" NOT NULL,
  record_time timestamptz(3) NOT NULL,
  version integer NOT NULL,
  organisation_path text COLLATE "C" NOT NULL,
  CONSTRAINT unit_history_pkey PRIMARY KEY (unit_id, version)
);

CREATE TABLE staff (
  staff text COLLATE "C" NOT NULL CHECK (starts_with(staff, 'staff/')),
  display_name text NOT NULL,
  unit_id text COLLATE "C" NOT NULL,
  organisation_path text COLLATE "C" NOT NULL,
  roles text[],
  state smallint NOT NULL CHECK (state IN (1, 2)),
  version integer NOT NULL DEFAULT 1,
  create_time timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  update_time timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT staff_pkey PRIMARY KEY (staff)
);
CREATE INDEX staff_organisation_path_staff_idx ON staff (organisation_path, staff);
CREATE INDEX staff_unit_id_idx ON staff (unit_id);

CREATE TABLE staff_history (
  staff text COLLATE "C" NOT NULL,
  version integer NOT NULL,
  record_time timestamptz(3) NOT NULL,
  unit_id text COLLATE "C" NOT NULL,
  organisation_path text COLLATE "C" NOT NULL,
  state smallint NOT NULL,
  CONSTRAINT staff_history_pkey PRIMARY KEY (staff, version)
);
CREATE INDEX staff_history_organisation_path_idx ON staff_history (organisation_path);

CREATE TABLE plan (
  plan_id text COLLATE "C" NOT NULL,
  version integer NOT NULL CHECK (version >= 1),
  title text NOT NULL,
  start_date date NOT NULL,
  end_date date NOT NULL,
  unit_id text COLLATE "C" NOT NULL,
  organisation_path text COLLATE "C" NOT NULL,
  kpis jsonb NOT NULL CHECK (jsonb_typeof(kpis) = 'array' AND jsonb_array_length(kpis) BETWEEN 1 AND 50),
  state smallint NOT NULL DEFAULT 1 CHECK (state IN (1, 2)),
  author text NOT NULL,
  approver text NOT NULL DEFAULT '',
  create_time timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  approve_time timestamptz(3),
  CONSTRAINT plan_pkey PRIMARY KEY (plan_id, version),
  CHECK (start_date <= end_date),
  CHECK ((state = 2) = (approve_time IS NOT NULL)),
  CHECK ((state = 2) = (approver <> '')),
  CHECK (approver <> author)
);
CREATE INDEX plan_unit_id_idx ON plan (unit_id);

CREATE TABLE fact (
  staff text COLLATE "C" NOT NULL CHECK (starts_with(staff, 'staff/')),
  event_id uuid NOT NULL,
  kind smallint NOT NULL CHECK (kind BETWEEN 1 AND 5),
  fact_id uuid NOT NULL,
  unit_id text COLLATE "C" NOT NULL DEFAULT '',
  organisation_path text COLLATE "C" NOT NULL,
  value bigint NOT NULL CHECK (value >= 0),
  occur_date date NOT NULL,
  record_time timestamptz(3) NOT NULL,
  event_type text NOT NULL,
  CONSTRAINT fact_pkey PRIMARY KEY (staff, event_id, kind)
) PARTITION BY HASH (staff);
CREATE INDEX fact_staff_kind_occur_date_idx ON fact (staff, kind, occur_date);
CREATE INDEX fact_record_time_fact_id_idx ON fact (record_time, fact_id);

-- A case may count for another person than the one who closes it again, so its key cannot be one of the fact's. Like an
-- index it is not subject to row security; it holds names of cases and events, nothing else.
CREATE TABLE counted_case (
  case_name text COLLATE "C" NOT NULL,
  event_id uuid NOT NULL,
  CONSTRAINT counted_case_pkey PRIMARY KEY (case_name)
);

CREATE TABLE run (
  run_id uuid NOT NULL,
  plan_id text COLLATE "C" NOT NULL,
  version integer NOT NULL,
  as_of timestamptz(3) NOT NULL,
  fingerprint text NOT NULL CHECK (fingerprint ~ '^[0-9a-f]{64}$'),
  fact_count bigint NOT NULL,
  staff_count integer NOT NULL,
  average_total bigint NOT NULL,
  author text NOT NULL,
  organisation_path text COLLATE "C" NOT NULL,
  create_time timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT run_pkey PRIMARY KEY (run_id)
);
CREATE UNIQUE INDEX run_plan_id_version_as_of_key ON run (plan_id, version, as_of);

CREATE TABLE score (
  run_id uuid NOT NULL,
  staff text COLLATE "C" NOT NULL,
  unit_id text COLLATE "C" NOT NULL,
  organisation_path text COLLATE "C" NOT NULL,
  total bigint NOT NULL,
  fact_counts bigint[],
  actuals bigint[],
  attainments bigint[],
  points bigint[],
  CONSTRAINT score_pkey PRIMARY KEY (run_id, staff)
);
CREATE INDEX score_run_id_total_staff_idx ON score (run_id, total DESC, staff);

-- What was known and what was computed from it stays as it was written.
CREATE FUNCTION keep_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'rows of % are kept as they were written', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;

-- A plan version is approved once, and follows its unit when that moves; nothing else of it changes.
CREATE FUNCTION keep_plan() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE'
    AND to_jsonb(NEW) - '{organisation_path,state,approver,approve_time}'::text[]
      = to_jsonb(OLD) - '{organisation_path,state,approver,approve_time}'::text[]
    AND (OLD.state = 1 OR (NEW.state, NEW.approver, NEW.approve_time) = (OLD.state, OLD.approver, OLD.approve_time))
  THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'plan versions are kept as they were written' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER keep_plan BEFORE UPDATE OR DELETE ON plan FOR EACH ROW EXECUTE FUNCTION keep_plan();

DO $$
DECLARE
  named text;
BEGIN
  FOR part IN 0..15 LOOP
    EXECUTE format('CREATE TABLE %I PARTITION OF fact FOR VALUES WITH (MODULUS 16, REMAINDER %s)', 'fact_' || part, part);
    -- Row security of the parent does not guard a partition that is named directly.
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', 'fact_' || part);
    EXECUTE format('CREATE POLICY seen ON %I USING (kit.sees(organisation_path, staff))', 'fact_' || part);
  END LOOP;
  FOREACH named IN ARRAY ARRAY['unit', 'unit_history', 'staff', 'staff_history', 'plan', 'fact', 'run', 'score'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', named);
  END LOOP;
  FOREACH named IN ARRAY ARRAY['staff', 'staff_history', 'fact', 'score'] LOOP
    EXECUTE format('CREATE POLICY seen ON %I USING (kit.sees(organisation_path, staff))', named);
  END LOOP;
  FOREACH named IN ARRAY ARRAY['unit', 'unit_history', 'plan', 'run'] LOOP
    EXECUTE format('CREATE POLICY seen ON %I USING (kit.sees(organisation_path, NULL))', named);
  END LOOP;
  -- Who is scored by a plan may read it, though it belongs to a unit above.
  FOREACH named IN ARRAY ARRAY['plan', 'run'] LOOP
    EXECUTE format($policy$CREATE POLICY concerned ON %I FOR SELECT USING (coalesce(
      starts_with(nullif(current_setting('rapport.scope', true), '') || '/', organisation_path || '/'), false))$policy$,
      named);
  END LOOP;
  FOREACH named IN ARRAY ARRAY['unit_history', 'staff_history', 'fact', 'run', 'score'] LOOP
    EXECUTE format('CREATE TRIGGER keep_row BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION keep_row()',
      named);
    EXECUTE format('CREATE TRIGGER keep_rows BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION keep_row()', named);
  END LOOP;
END
$$;
