-- Who merged and unmerged what, when and why: one row under each of the two parties, so that those who see one see that
-- it happened; what stewards chose; and in which order an organisation believes its sources.
CREATE TABLE party_merge (
  party_id uuid NOT NULL,
  merge_id uuid NOT NULL,
  survivor_id uuid NOT NULL,
  merged_id uuid NOT NULL,
  moved uuid[] NOT NULL,
  decision smallint NOT NULL CHECK (decision IN (1, 2)),
  reason text NOT NULL,
  score double precision,
  merged_by text NOT NULL,
  merge_time timestamptz(3) NOT NULL,
  unmerge_reason text NOT NULL DEFAULT '',
  unmerged_by text NOT NULL DEFAULT '',
  unmerge_time timestamptz(3),
  organisation_path text NOT NULL,
  manager text NOT NULL DEFAULT '',
  CONSTRAINT party_merge_pkey PRIMARY KEY (party_id, merge_id)
);
ALTER TABLE party_merge ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY seen ON party_merge USING (kit.sees(organisation_path, manager));

CREATE TABLE field_choice (
  party_id uuid NOT NULL,
  path text NOT NULL,
  record_id uuid NOT NULL,
  reason text NOT NULL,
  chosen_by text NOT NULL,
  choose_time timestamptz(3) NOT NULL,
  organisation_path text NOT NULL,
  manager text NOT NULL DEFAULT '',
  CONSTRAINT field_choice_pkey PRIMARY KEY (party_id, path)
);
ALTER TABLE field_choice ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY seen ON field_choice USING (kit.sees(organisation_path, manager));

-- Holds nothing of customers.
CREATE TABLE survivorship_rule (
  organisation_path text NOT NULL,
  path text NOT NULL,
  criteria text[] NOT NULL,
  update_time timestamptz(3) NOT NULL,
  CONSTRAINT survivorship_rule_pkey PRIMARY KEY (organisation_path, path)
);

-- What staff enter here. Its priority does not matter: it counts as much as the best of the others.
INSERT INTO source (source, kind, priority, titles)
VALUES ('rapport', 0, 0, '{"en": "Entered by staff", "zh": "员工录入"}');
