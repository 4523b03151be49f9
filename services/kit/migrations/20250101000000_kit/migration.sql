-- What every service keeps beside its own tables: events in and out, leases, idempotency, audit.

-- Row security: may the current session see a row of this organisation path and manager? Policies call it, as in
--   CREATE POLICY seen ON party USING (kit.sees(organisation_path, manager));
-- rapport.scope is a path (the row's or one above it; '/' is everything), rapport.branch exactly the row's path,
-- rapport.subject the row's manager. What is empty or was never set grants nothing.
-- Plain expressions only, so that the planner inlines it: a subquery or a SET clause would make it a call per row.
CREATE FUNCTION kit.sees(path text, manager text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT coalesce(
    current_setting('rapport.scope', true) = '/'
    OR path = nullif(current_setting('rapport.scope', true), '')
    OR starts_with(path, nullif(current_setting('rapport.scope', true), '') || '/')
    OR path = nullif(current_setting('rapport.branch', true), '')
    OR manager = nullif(current_setting('rapport.subject', true), ''), false)
$$;

-- The first UUIDv7 of a moment: an identifier made before it sorts before it.
CREATE FUNCTION kit.uuid_at(moment timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid
$$;

-- Events that were published, in the transaction of what caused them. The relay reads in the order (xid, id) and stops
-- before the oldest transaction in progress: an id alone is given out before the commit, so that a reader could pass
-- over a row that becomes visible later.
CREATE TABLE kit.outbox (
  id uuid NOT NULL,
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  aggregate text NOT NULL,
  partition smallint NOT NULL,
  type text NOT NULL,
  subject text NOT NULL,
  payload bytea NOT NULL,
  traceparent text,
  tracestate text,
  organisation_path text,
  occurred_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (occurred_at, id)
) PARTITION BY RANGE (occurred_at);
CREATE INDEX outbox_order ON kit.outbox (xid, id);
CREATE INDEX outbox_id ON kit.outbox (id);
-- Takes what no day's partition exists for, so that a late maintenance run stops no writer.
CREATE TABLE kit.outbox_rest PARTITION OF kit.outbox DEFAULT;

-- How far the relay of a domain has come: everything up to (xid, id) is in the stream of that incarnation, whose last
-- message has the number stream_sequence.
CREATE TABLE kit.relay_cursor (
  domain text PRIMARY KEY,
  incarnation text NOT NULL,
  xid xid8 NOT NULL,
  id uuid NOT NULL,
  stream_sequence bigint NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT now()
);

-- Events that a consumer has applied, in the transaction of their effect. Event ids are UUIDv7, so the partitions are
-- days.
CREATE TABLE kit.inbox (
  event_id uuid NOT NULL,
  consumer text NOT NULL,
  PRIMARY KEY (event_id, consumer)
) PARTITION BY RANGE (event_id);
CREATE TABLE kit.inbox_rest PARTITION OF kit.inbox DEFAULT;

-- Failed attempts of events that are still tried. They outlive the process that counted them.
CREATE TABLE kit.attempt (
  consumer text NOT NULL,
  event_id uuid NOT NULL,
  attempts integer NOT NULL,
  reason text NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (consumer, event_id)
);

-- Events that a consumer gave up, and those of the same aggregate that wait behind them.
CREATE TABLE kit.dead_letter (
  id uuid PRIMARY KEY,
  consumer text NOT NULL,
  event_id uuid NOT NULL,
  position bigint GENERATED ALWAYS AS IDENTITY,
  type text NOT NULL,
  aggregate text NOT NULL,
  partition smallint NOT NULL,
  stream_sequence bigint NOT NULL,
  payload bytea NOT NULL,
  headers jsonb NOT NULL,
  trace_id text,
  reason text NOT NULL,
  attempts integer NOT NULL,
  occurred_at timestamptz NOT NULL,
  parked_at timestamptz NOT NULL DEFAULT now(),
  redriven_at timestamptz,
  applied_at timestamptz,
  UNIQUE (consumer, event_id)
);
CREATE INDEX dead_letter_parked ON kit.dead_letter (consumer, aggregate, position) WHERE applied_at IS NULL;
CREATE INDEX dead_letter_listed ON kit.dead_letter (parked_at, id) WHERE applied_at IS NULL;

-- Answers of calls that must happen once, by the caller's request id.
CREATE TABLE kit.idempotency (
  subject text NOT NULL,
  method text NOT NULL,
  request_id text NOT NULL,
  fingerprint bytea NOT NULL,
  answer bytea,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (subject, method, request_id)
);
CREATE INDEX idempotency_age ON kit.idempotency (created_at);

-- Work that one process at a time may do. The epoch grows with each holder and fences the ones before.
CREATE TABLE kit.lease (
  name text PRIMARY KEY,
  holder text NOT NULL,
  epoch bigint NOT NULL,
  expires_at timestamptz NOT NULL,
  state jsonb
);

-- Who did what to which resource, and for which purpose; without personal values. The sealer fills the chain.
CREATE TABLE kit.audit (
  id uuid PRIMARY KEY,
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  at timestamptz NOT NULL DEFAULT now(),
  actor text NOT NULL,
  roles text[] NOT NULL DEFAULT '{}',
  action text NOT NULL,
  resource text NOT NULL,
  purpose text NOT NULL DEFAULT '',
  detail jsonb NOT NULL DEFAULT '{}',
  trace_id text,
  chain_seq bigint UNIQUE,
  prev_hash bytea,
  hash bytea
);
CREATE INDEX audit_unsealed ON kit.audit (xid, id) WHERE chain_seq IS NULL;
CREATE INDEX audit_resource ON kit.audit (resource, at);

CREATE FUNCTION kit.keep_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND OLD.chain_seq IS NULL AND NEW.chain_seq IS NOT NULL AND NEW.hash IS NOT NULL
    AND to_jsonb(NEW) - '{chain_seq,prev_hash,hash}'::text[] = to_jsonb(OLD) - '{chain_seq,prev_hash,hash}'::text[]
  THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'audit records are kept as they were written' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER keep_audit BEFORE UPDATE OR DELETE ON kit.audit FOR EACH ROW EXECUTE FUNCTION kit.keep_audit();
CREATE TRIGGER keep_all_audit BEFORE TRUNCATE ON kit.audit FOR EACH STATEMENT EXECUTE FUNCTION kit.keep_audit();

-- Attaches the partition of one day unless it is there or the rest already holds rows of that day.
-- Attaching locks the parent more weakly than CREATE TABLE … PARTITION OF, which would wait for every writer.
CREATE FUNCTION kit.add_day(parent text, day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  part text := parent || to_char(day, '_YYYYMMDD');
  since timestamptz := day::timestamp AT TIME ZONE 'UTC';
  key text := CASE parent WHEN 'inbox' THEN 'event_id' ELSE 'occurred_at' END;
  low text := CASE parent WHEN 'inbox' THEN kit.uuid_at(since)::text ELSE since::text END;
  high text := CASE parent WHEN 'inbox' THEN kit.uuid_at(since + '24 hours')::text ELSE (since + '24 hours')::text END;
  taken boolean;
BEGIN
  IF to_regclass('kit.' || part) IS NOT NULL THEN RETURN; END IF;
  EXECUTE format('SELECT EXISTS (SELECT FROM kit.%I WHERE %I >= %L AND %I < %L)', parent || '_rest', key, low, key, high)
    INTO taken;
  IF taken THEN RETURN; END IF;
  EXECUTE format('CREATE TABLE kit.%I (LIKE kit.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', part, parent);
  EXECUTE format('ALTER TABLE kit.%I ATTACH PARTITION kit.%I FOR VALUES FROM (%L) TO (%L)', parent, part, low, high);
END
$$;

-- Makes the days to come and drops what is older than `keep`: days of the outbox that are wholly relayed, days of the
-- inbox, answers of old calls. A day not yet relayed stays, however old. Safe to run at any time, from any process.
CREATE FUNCTION kit.maintain(keep interval DEFAULT '8 days') RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  today date := (now() AT TIME ZONE 'UTC')::date;
  part text;
  waiting boolean;
BEGIN
  IF keep < '7 days' THEN RAISE EXCEPTION 'events are kept for 7 days at least'; END IF;
  IF NOT pg_try_advisory_xact_lock(72707370) THEN RETURN; END IF;
  PERFORM set_config('lock_timeout', '2s', true);
  FOR ahead IN 0..3 LOOP
    PERFORM kit.add_day('outbox', today + ahead);
    PERFORM kit.add_day('inbox', today + ahead);
  END LOOP;
  FOR part IN
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent IN ('kit.outbox'::regclass, 'kit.inbox'::regclass) AND c.relname ~ '_\d{8}$'
      AND to_date(right(c.relname, 8), 'YYYYMMDD') + 1
        -- The inbox must still know whatever the outbox may send again.
        < (now() - keep - CASE WHEN c.relname LIKE 'inbox%' THEN '2 days' ELSE '0 days' END::interval)::date
  LOOP
    waiting := false;
    IF part LIKE 'outbox%' THEN
      EXECUTE format('SELECT EXISTS (SELECT FROM kit.%I o WHERE NOT EXISTS (
        SELECT FROM kit.relay_cursor c WHERE (o.xid, o.id) <= (c.xid, c.id)))', part) INTO waiting;
    END IF;
    IF NOT waiting THEN EXECUTE format('DROP TABLE kit.%I', part); END IF;
  END LOOP;
  DELETE FROM kit.outbox_rest o WHERE occurred_at < now() - keep
    AND EXISTS (SELECT FROM kit.relay_cursor c WHERE (o.xid, o.id) <= (c.xid, c.id));
  DELETE FROM kit.inbox_rest WHERE event_id < kit.uuid_at(now() - keep - '2 days'::interval);
  DELETE FROM kit.idempotency WHERE (subject, method, request_id) IN (
    SELECT subject, method, request_id FROM kit.idempotency WHERE created_at < now() - '7 days'::interval LIMIT 50000);
  DELETE FROM kit.lease WHERE starts_with(name, 'member/') AND expires_at < now() - '1 hour'::interval;
  DELETE FROM kit.dead_letter WHERE applied_at < now() - '30 days'::interval;
END
$$;

SELECT kit.maintain();
