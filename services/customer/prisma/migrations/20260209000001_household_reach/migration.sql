-- Whoever looks after a member of a household may be allowed to see the other members: the setting rapport.household
-- names the staff member, and household_reach gives the parties. A second permissive policy on each table admits their
-- rows. Where the setting is empty, as it is for every caller whose policies do not speak of households, the function is
-- never called: its result is an initial plan of the statement, computed when the first row asks for it.

-- What decides who sees a row cannot itself be hidden by who sees what. Both tables hold ids of parties and staff only,
-- like natural_key; who the members are is read from party, which is guarded.
DROP POLICY seen ON household_member;
ALTER TABLE household_member NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;

-- The ids that a golden record answers to besides its own.
CREATE TABLE party_alias (
  party_id uuid NOT NULL,
  golden_id uuid NOT NULL,
  CONSTRAINT party_alias_pkey PRIMARY KEY (party_id)
);
CREATE INDEX party_alias_golden_id_idx ON party_alias (golden_id);

CREATE FUNCTION note_aliases() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM party_alias a USING before JOIN after USING (party_id)
  WHERE a.party_id = after.party_id AND before.golden_id <> after.golden_id;
  INSERT INTO party_alias (party_id, golden_id)
  SELECT after.party_id, after.golden_id FROM before JOIN after USING (party_id)
  WHERE before.golden_id <> after.golden_id AND after.golden_id <> after.party_id;
  RETURN NULL;
END
$$;
CREATE TRIGGER party_note_aliases AFTER UPDATE ON party
  REFERENCING OLD TABLE AS before NEW TABLE AS after
  FOR EACH STATEMENT EXECUTE FUNCTION note_aliases();

CREATE FUNCTION household_reach(staff text) RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE AS $$
  WITH reached AS (
    SELECT coalesce(alias.golden_id, other.party_id) AS golden
    FROM household_member own
      JOIN household_member other ON other.household_id = own.household_id AND other.leave_time IS NULL
      LEFT JOIN party_alias alias ON alias.party_id = other.party_id
    WHERE own.manager = staff AND own.leave_time IS NULL AND staff <> ''
  )
  SELECT coalesce(array_agg(id), '{}') FROM (
    SELECT golden AS id FROM reached
    UNION SELECT alias.party_id FROM reached JOIN party_alias alias ON alias.golden_id = reached.golden) AS ids
$$;
CREATE INDEX household_member_manager_idx ON household_member (manager) WHERE leave_time IS NULL;

DO $$
DECLARE
  kept text;
BEGIN
  SET LOCAL rapport.scope = '/';
  INSERT INTO party_alias SELECT party_id, golden_id FROM party WHERE golden_id <> party_id;
  FOR kept IN
    SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'party_id'
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND c.relrowsecurity
  LOOP
    EXECUTE format('CREATE POLICY shared ON %I FOR SELECT USING (current_setting(''rapport.household'', true) <> ''''
      AND party_id = ANY ((SELECT household_reach(current_setting(''rapport.household'', true)))::uuid[]))', kept);
  END LOOP;
END
$$;
