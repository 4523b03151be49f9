-- What customers do on the web and in the app, what is usual for each, life events, goals, and what other services did.
-- What is few per customer and part of every view is not partitioned: a view would open all partitions of each.

-- By month, so that what is too old goes with its partition.
CREATE TABLE behaviour_event (
  party_id uuid NOT NULL,
  time timestamptz(3) NOT NULL,
  event_id uuid NOT NULL,
  kind smallint NOT NULL CHECK (kind BETWEEN 1 AND 4),
  topic text NOT NULL DEFAULT '',
  channel smallint NOT NULL CHECK (channel BETWEEN 1 AND 7),
  session text NOT NULL DEFAULT '',
  source text NOT NULL,
  organisation_path text NOT NULL,
  manager text NOT NULL DEFAULT '',
  CONSTRAINT behaviour_event_pkey PRIMARY KEY (party_id, time, event_id)
) PARTITION BY RANGE (time);
CREATE TABLE behaviour_event_rest PARTITION OF behaviour_event DEFAULT;

-- One row per customer and measure: everything that the next day needs, so that a day costs the same however long the
-- history is.
CREATE TABLE behaviour_baseline (
  party_id uuid NOT NULL,
  measure smallint NOT NULL CHECK (measure BETWEEN 1 AND 5),
  code text COLLATE "C" NOT NULL,
  through date NOT NULL,
  observations integer NOT NULL,
  level double precision NOT NULL,
  season double precision[] NOT NULL,
  variance double precision NOT NULL,
  scale double precision NOT NULL,
  chart double precision NOT NULL,
  onset date,
  departed smallint NOT NULL DEFAULT 0 CHECK (departed BETWEEN -1 AND 1),
  change_id uuid,
  organisation_path text NOT NULL,
  manager text NOT NULL DEFAULT '',
  CONSTRAINT behaviour_baseline_pkey PRIMARY KEY (party_id, measure, code)
) PARTITION BY HASH (party_id);
CREATE INDEX behaviour_baseline_through_party_id_idx ON behaviour_baseline (through, party_id);

CREATE TABLE behaviour_change (
  party_id uuid NOT NULL,
  change_id uuid NOT NULL,
  measure smallint NOT NULL,
  code text NOT NULL,
  expected double precision NOT NULL,
  observed double precision NOT NULL,
  deviations double precision NOT NULL,
  since_date date NOT NULL,
  notice_date date NOT NULL,
  end_date date,
  raise_time timestamptz(3) NOT NULL,
  organisation_path text NOT NULL,
  manager text NOT NULL DEFAULT '',
  CONSTRAINT behaviour_change_pkey PRIMARY KEY (party_id, change_id)
);

CREATE TABLE life_event (
  party_id uuid NOT NULL,
  life_event_id uuid NOT NULL,
  kind smallint NOT NULL CHECK (kind BETWEEN 1 AND 12),
  other_kind text NOT NULL DEFAULT '',
  start_date date NOT NULL,
  end_date date,
  certainty smallint NOT NULL CHECK (certainty BETWEEN 1 AND 3),
  source text NOT NULL DEFAULT '',
  recorded_by text NOT NULL,
  create_time timestamptz(3) NOT NULL,
  update_time timestamptz(3) NOT NULL,
  retract_time timestamptz(3),
  version integer NOT NULL DEFAULT 1,
  organisation_path text NOT NULL,
  manager text NOT NULL DEFAULT '',
  CONSTRAINT life_event_pkey PRIMARY KEY (party_id, life_event_id)
);

CREATE TABLE goal (
  party_id uuid NOT NULL,
  goal_id uuid NOT NULL,
  kind smallint NOT NULL CHECK (kind BETWEEN 1 AND 8),
  target bigint NOT NULL CHECK (target > 0),
  currency text NOT NULL,
  target_date date,
  holdings jsonb NOT NULL DEFAULT '[]',
  state smallint NOT NULL DEFAULT 1 CHECK (state BETWEEN 1 AND 3),
  set_by text NOT NULL,
  create_time timestamptz(3) NOT NULL,
  update_time timestamptz(3) NOT NULL,
  reach_time timestamptz(3),
  version integer NOT NULL DEFAULT 1,
  organisation_path text NOT NULL,
  manager text NOT NULL DEFAULT '',
  CONSTRAINT goal_pkey PRIMARY KEY (party_id, goal_id)
);

-- Steps of campaigns and cases, as their services told of them: ids, kinds and codes, no text.
CREATE TABLE service_step (
  party_id uuid NOT NULL,
  time timestamptz(3) NOT NULL,
  step_id uuid NOT NULL,
  kind smallint NOT NULL,
  step smallint NOT NULL,
  channel smallint NOT NULL DEFAULT 0,
  resource text NOT NULL,
  detail jsonb NOT NULL DEFAULT '{}',
  organisation_path text NOT NULL,
  manager text NOT NULL DEFAULT '',
  CONSTRAINT service_step_pkey PRIMARY KEY (party_id, time, step_id)
) PARTITION BY HASH (party_id);

DO $$
DECLARE
  parent text;
BEGIN
  FOREACH parent IN ARRAY ARRAY['behaviour_baseline', 'service_step'] LOOP
    FOR part IN 0..15 LOOP
      EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES WITH (MODULUS 16, REMAINDER %s)',
        parent || '_' || part, parent, part);
      EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', parent || '_' || part);
      EXECUTE format('CREATE POLICY seen ON %I USING (kit.sees(organisation_path, manager))', parent || '_' || part);
    END LOOP;
  END LOOP;
  FOREACH parent IN ARRAY ARRAY['behaviour_baseline', 'behaviour_change', 'life_event', 'goal', 'service_step',
    'behaviour_event', 'behaviour_event_rest'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', parent);
    EXECUTE format('CREATE POLICY seen ON %I USING (kit.sees(organisation_path, manager))', parent);
  END LOOP;
END
$$;

-- Makes the partition of a month, guarded like the others; nothing when it is there. Rows of that month that wait in
-- behaviour_event_rest stop it: then they stay there, and are read from there.
CREATE FUNCTION behaviour_month(day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  month date := date_trunc('month', day);
  part text := 'behaviour_event_' || to_char(month, 'YYYYMM');
BEGIN
  IF to_regclass(part) IS NOT NULL THEN RETURN; END IF;
  IF EXISTS (SELECT FROM behaviour_event_rest WHERE time >= month AT TIME ZONE 'UTC'
    AND time < (month + interval '1 month') AT TIME ZONE 'UTC') THEN RETURN; END IF;
  EXECUTE format('CREATE TABLE %I PARTITION OF behaviour_event FOR VALUES FROM (%L) TO (%L)', part,
    month::timestamp AT TIME ZONE 'UTC', (month + interval '1 month') AT TIME ZONE 'UTC');
  EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', part);
  EXECUTE format('CREATE POLICY seen ON %I USING (kit.sees(organisation_path, manager))', part);
END
$$;
