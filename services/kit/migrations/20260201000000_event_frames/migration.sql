-- Frames: many events of one type that one transaction published together, in one row of the outbox. What an import of
-- a million rows pays for its events is then the writing of their bytes, not of a million rows with three indexes.
--
-- A frame's id is that of its last event and first_id that of its first, so that the order (xid, id), the relay's
-- cursor and the age of a day hold for frames as for single events. Its type begins with `frame:`, which is no type of
-- an event: a relay of before stops at it instead of publishing the bytes as one event.
ALTER TABLE kit.outbox
  ADD COLUMN first_id uuid,
  ADD COLUMN events integer NOT NULL DEFAULT 1;

-- Payloads are dense bytes; trying to compress a frame costs more than writing it.
DO $$
DECLARE
  part regclass;
BEGIN
  FOR part IN SELECT 'kit.outbox'::regclass UNION ALL
    SELECT inhrelid FROM pg_inherits WHERE inhparent = 'kit.outbox'::regclass
  LOOP
    EXECUTE format('ALTER TABLE %s ALTER COLUMN payload SET STORAGE EXTERNAL', part);
  END LOOP;
END
$$;

-- As before, and a new day stores its payloads like its parent.
CREATE OR REPLACE FUNCTION kit.add_day(parent text, day date) RETURNS void LANGUAGE plpgsql AS $$
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
  EXECUTE format('CREATE TABLE kit.%I (LIKE kit.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)', part,
    parent);
  EXECUTE format('ALTER TABLE kit.%I ATTACH PARTITION kit.%I FOR VALUES FROM (%L) TO (%L)', parent, part, low, high);
END
$$;
