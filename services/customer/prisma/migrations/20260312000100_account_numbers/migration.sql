-- The IBAN of a holding, sealed with the key of the party that it is kept with.
ALTER TABLE holding ADD COLUMN sealed bytea;

-- What the numbers of a holding are found by: keyed digests of its IBAN and of the number in its source key. Holdings from
-- before are brought in by the service, which has the key.
CREATE TABLE holding_number (
  party_id uuid NOT NULL,
  holding_id uuid NOT NULL,
  digest bytea NOT NULL,
  organisation_path text NOT NULL,
  manager text NOT NULL DEFAULT '',
  CONSTRAINT holding_number_pkey PRIMARY KEY (party_id, holding_id, digest)
);
CREATE INDEX holding_number_digest_idx ON holding_number (digest);
ALTER TABLE holding_number ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY seen ON holding_number USING (kit.sees(organisation_path, manager));

-- Who was on the other side of a transaction, and from when the money counts.
ALTER TABLE transaction ADD COLUMN counterparty_name text NOT NULL DEFAULT '';
ALTER TABLE transaction ADD COLUMN value_date date;
