-- Cases with their history, their types and the calendars that their promises are counted on.

CREATE TABLE calendar (
  calendar_id text NOT NULL CHECK (calendar_id ~ '^[a-z0-9][a-z0-9._-]{0,63}$'),
  time_zone text NOT NULL,
  weekly_hours jsonb NOT NULL CHECK (jsonb_array_length(weekly_hours) >= 1),
  holidays text[] DEFAULT ARRAY[]::text[],
  create_time timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT calendar_pkey PRIMARY KEY (calendar_id)
);

CREATE TABLE case_type (
  case_type_id text NOT NULL CHECK (case_type_id ~ '^[a-z0-9][a-z0-9._-]{0,63}$'),
  title_en text NOT NULL,
  title_zh text NOT NULL DEFAULT '',
  is_complaint boolean NOT NULL,
  response_hours integer NOT NULL CHECK (response_hours >= 1),
  resolution_hours integer NOT NULL CHECK (resolution_hours >= response_hours),
  calendar_id text NOT NULL,
  create_time timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT case_type_pkey PRIMARY KEY (case_type_id),
  CONSTRAINT case_type_calendar_id_fkey FOREIGN KEY (calendar_id) REFERENCES calendar (calendar_id)
    ON DELETE RESTRICT ON UPDATE CASCADE
);

-- The counter in the numbers that people say on the phone. Gaps are possible, repeats are not.
CREATE SEQUENCE case_number;

CREATE TABLE service_case (
  case_id uuid NOT NULL,
  number text NOT NULL,
  type text NOT NULL,
  is_complaint boolean NOT NULL,
  party_id uuid,
  channel smallint NOT NULL CHECK (channel BETWEEN 1 AND 7),
  subject text NOT NULL,
  description text NOT NULL DEFAULT '',
  organisation_path text NOT NULL CHECK (organisation_path ~ '^(/[a-z0-9_-]+)+$'),
  branch text NOT NULL DEFAULT '',
  state smallint NOT NULL CHECK (state BETWEEN 1 AND 6),
  priority smallint NOT NULL CHECK (priority BETWEEN 1 AND 4),
  step_times timestamptz(3)[] DEFAULT ARRAY[]::timestamptz(3)[],
  step_actors text[] DEFAULT ARRAY[]::text[],
  assignee text NOT NULL DEFAULT '' CHECK (assignee = '' OR starts_with(assignee, 'staff/')),
  due_time timestamptz(3) NOT NULL,
  response_due_time timestamptz(3) NOT NULL,
  pause_time timestamptz(3),
  response_breached boolean NOT NULL DEFAULT false,
  resolution_breached boolean NOT NULL DEFAULT false,
  source text,
  source_key text,
  resolution text NOT NULL DEFAULT '',
  survey_state smallint NOT NULL DEFAULT 0 CHECK (survey_state BETWEEN 0 AND 2),
  survey_score smallint NOT NULL DEFAULT 0,
  survey_comment text NOT NULL DEFAULT '',
  survey_request_time timestamptz(3),
  survey_answer_time timestamptz(3),
  reopen_count integer NOT NULL DEFAULT 0,
  receive_time timestamptz(3) NOT NULL,
  response_time timestamptz(3),
  resolve_time timestamptz(3),
  close_time timestamptz(3),
  last_change_time timestamptz(3) NOT NULL,
  version integer NOT NULL DEFAULT 1,
  create_time timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  update_time timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT service_case_pkey PRIMARY KEY (case_id),
  -- What the verbs keep is kept here too, so that no other hand can leave a case that cannot be.
  CHECK ((source IS NULL) = (source_key IS NULL)),
  CHECK (state IN (1, 6) OR assignee <> ''),
  CHECK ((resolve_time IS NOT NULL) = (state IN (4, 5))),
  CHECK ((close_time IS NOT NULL) = (state = 5)),
  CHECK (pause_time IS NULL OR state NOT IN (4, 5)),
  CHECK (cardinality(step_times) = cardinality(step_actors)),
  CHECK (CASE WHEN is_complaint THEN cardinality(step_times) BETWEEN 1 AND 5 ELSE cardinality(step_times) = 0 END),
  CHECK (NOT is_complaint OR state <> 5 OR cardinality(step_times) = 5),
  CHECK ((survey_state = 0) = (survey_request_time IS NULL)),
  CHECK ((survey_state = 2) = (survey_answer_time IS NOT NULL)),
  CHECK (CASE WHEN survey_state = 2 THEN survey_score BETWEEN 1 AND 5 ELSE survey_score = 0 END)
) PARTITION BY HASH (case_id);

CREATE INDEX service_case_due_time_case_id_idx ON service_case (due_time, case_id);
CREATE INDEX service_case_receive_time_case_id_idx ON service_case (receive_time, case_id);
CREATE INDEX service_case_assignee_due_time_case_id_idx ON service_case (assignee, due_time, case_id);
CREATE INDEX service_case_party_id_due_time_case_id_idx ON service_case (party_id, due_time, case_id);
-- What the sweeper looks for: clocks that run and were not found late yet.
CREATE INDEX service_case_resolution_due ON service_case (due_time)
  WHERE state IN (1, 2, 3, 6) AND pause_time IS NULL AND NOT resolution_breached;
CREATE INDEX service_case_response_due ON service_case (response_due_time)
  WHERE state IN (1, 2, 3, 6) AND pause_time IS NULL AND response_time IS NULL AND NOT response_breached;

-- Stands in for a unique index over all partitions, and like an index it is not subject to row security: a key taken
-- outside of the caller's view must still be refused. Holds keys of source systems and ids, nothing else.
CREATE TABLE case_key (
  book text NOT NULL,
  source text NOT NULL,
  source_key text NOT NULL,
  case_id uuid NOT NULL,
  CONSTRAINT case_key_pkey PRIMARY KEY (book, source, source_key)
);

CREATE TABLE case_history (
  case_id uuid NOT NULL,
  entry_id uuid NOT NULL,
  actor text NOT NULL,
  occur_time timestamptz(3) NOT NULL,
  record_time timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  kind text NOT NULL,
  detail jsonb NOT NULL,
  CONSTRAINT case_history_pkey PRIMARY KEY (case_id, entry_id)
) PARTITION BY HASH (case_id);

CREATE FUNCTION keep_case_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the history of a case is kept as it was written' USING ERRCODE = 'insufficient_privilege';
END
$$;

DO $$
DECLARE
  part text;
BEGIN
  FOR number IN 0..15 LOOP
    EXECUTE format('CREATE TABLE %I PARTITION OF service_case FOR VALUES WITH (MODULUS 16, REMAINDER %s)',
      'service_case_' || number, number);
    EXECUTE format('CREATE TABLE %I PARTITION OF case_history FOR VALUES WITH (MODULUS 16, REMAINDER %s)',
      'case_history_' || number, number);
  END LOOP;
  -- Row security of the parent does not guard a partition that is named directly.
  FOR part IN SELECT relname FROM pg_class WHERE relname ~ '^(service_case|case_history)(_\d+)?$' LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', part);
    IF part LIKE 'service_case%' THEN
      EXECUTE format('CREATE POLICY seen ON %I USING (kit.sees(organisation_path, assignee))', part);
    ELSE
      -- Who sees the case sees its history, also what was written before it came to its assignee.
      EXECUTE format('CREATE POLICY seen ON %I USING (EXISTS (
        SELECT FROM service_case seen WHERE seen.case_id = %I.case_id))', part, part);
    END IF;
  END LOOP;
END
$$;
CREATE TRIGGER keep_case_history BEFORE UPDATE OR DELETE ON case_history
  FOR EACH ROW EXECUTE FUNCTION keep_case_history();

-- The usual hours of a bank in its own time zone, and the usual kinds of cases. A bank adds calendars with its holidays
-- and types with its own promises.
INSERT INTO calendar (calendar_id, time_zone, weekly_hours) VALUES ('standard', '', '[
  {"weekday": 1, "open": 540, "close": 1020}, {"weekday": 2, "open": 540, "close": 1020},
  {"weekday": 3, "open": 540, "close": 1020}, {"weekday": 4, "open": 540, "close": 1020},
  {"weekday": 5, "open": 540, "close": 1020}]');
INSERT INTO case_type (case_type_id, title_en, title_zh, is_complaint, response_hours, resolution_hours, calendar_id)
VALUES
  ('complaint', 'Complaint', '投诉', true, 16, 80, 'standard'),
  ('enquiry', 'Enquiry', '咨询', false, 8, 24, 'standard'),
  ('service_request', 'Service request', '服务请求', false, 8, 40, 'standard'),
  ('card_problem', 'Card problem', '银行卡问题', false, 2, 16, 'standard'),
  ('dispute', 'Dispute', '争议', false, 8, 160, 'standard');
