-- Which golden record a party answers as, by the newest merge or unmerge that told of it. The own id after an unmerge: the
-- row stays, so that an older event which comes late changes nothing. Ids only.
CREATE TABLE party_alias (
  party_id uuid NOT NULL,
  golden_id uuid NOT NULL,
  merge_time timestamptz(3) NOT NULL,
  CONSTRAINT party_alias_pkey PRIMARY KEY (party_id)
);
CREATE INDEX party_alias_golden_id_idx ON party_alias (golden_id);
