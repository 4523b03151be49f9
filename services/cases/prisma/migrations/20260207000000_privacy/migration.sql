-- What was said in the cases of a party that was erased goes with it.
CREATE OR REPLACE FUNCTION keep_case_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND EXISTS (
    SELECT FROM service_case c JOIN kit.tombstone t ON t.aggregate = c.party_id::text WHERE c.case_id = OLD.case_id)
  THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION 'the history of a case is kept as it was written' USING ERRCODE = 'insufficient_privilege';
END
$$;

-- Parties whose data may be kept and not used. Holds ids, nothing else.
CREATE TABLE restricted_party (
  party_id uuid NOT NULL,
  CONSTRAINT restricted_party_pkey PRIMARY KEY (party_id)
);

-- Cases in which the bank speaks with somebody about their rights over their data. The statutory term of a month is kept
-- by the request itself; the hours here are when somebody must have looked.
INSERT INTO case_type (case_type_id, title_en, title_zh, is_complaint, response_hours, resolution_hours, calendar_id)
VALUES ('data_subject_request', 'Data subject request', '个人信息权利请求', false, 16, 160, 'standard')
ON CONFLICT DO NOTHING;
