-- The ledger of consents: what was said stays as it was said.

ALTER TABLE consent ADD COLUMN expire_time timestamptz(3);
ALTER TABLE consent DROP CONSTRAINT consent_state_check;
ALTER TABLE consent ADD CONSTRAINT consent_state_check CHECK (state IN (1, 2, 3));

-- A party that moves takes its consents along, and an erased one leaves none; nothing else may touch a row.
CREATE FUNCTION keep_consent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - '{organisation_path,manager}'::text[]
    = to_jsonb(OLD) - '{organisation_path,manager}'::text[] THEN RETURN NEW; END IF;
  IF TG_OP = 'DELETE' AND EXISTS (SELECT FROM kit.tombstone WHERE aggregate = OLD.party_id::text) THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION 'consents are kept as they were given' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER keep_consent BEFORE UPDATE OR DELETE ON consent FOR EACH ROW EXECUTE FUNCTION keep_consent();
CREATE TRIGGER keep_all_consents BEFORE TRUNCATE ON consent FOR EACH STATEMENT EXECUTE FUNCTION keep_consent();
DO $$
BEGIN
  FOR part IN 0..15 LOOP
    EXECUTE format('CREATE TRIGGER keep_all_consents BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION keep_consent()',
      'consent_' || part);
  END LOOP;
END
$$;

-- Consents whose end is still to be announced. The ledger cannot note that it was.
CREATE TABLE consent_expiry (
  consent_id uuid NOT NULL,
  party_id uuid NOT NULL,
  expire_time timestamptz(3) NOT NULL,
  CONSTRAINT consent_expiry_pkey PRIMARY KEY (consent_id)
);
CREATE INDEX consent_expiry_expire_time_idx ON consent_expiry (expire_time);

-- Who had masked fields shown, to bound how many. The audit says the same; this is found by caller.
CREATE TABLE reveal (
  reveal_id uuid NOT NULL,
  subject text NOT NULL,
  time timestamptz(3) NOT NULL,
  party_id uuid NOT NULL,
  field text NOT NULL,
  reason smallint NOT NULL,
  case_name text NOT NULL DEFAULT '',
  CONSTRAINT reveal_pkey PRIMARY KEY (reveal_id)
);
CREATE INDEX reveal_subject_time_idx ON reveal (subject, time);
