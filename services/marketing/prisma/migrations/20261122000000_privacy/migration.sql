-- Decisions about a party that was erased go with it.
CREATE OR REPLACE FUNCTION keep_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND EXISTS (SELECT FROM kit.tombstone WHERE aggregate = OLD.party_id::text) THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION 'decisions are kept as they were made' USING ERRCODE = 'insufficient_privilege';
END
$$;
