-- More kinds of holdings and roles; kind, channel, merchant and spending category of transactions; the rules of categories.
-- Only widens: what the version before writes still fits. The wider checks hold for all rows that the narrower ones let
-- in, so that nothing has to be looked at: NOT VALID keeps the tables from being read while they are locked.
ALTER TABLE holding DROP CONSTRAINT holding_kind_check;
ALTER TABLE holding ADD CONSTRAINT holding_kind_check CHECK (kind BETWEEN 1 AND 8) NOT VALID;
ALTER TABLE holding_role DROP CONSTRAINT holding_role_role_check;
ALTER TABLE holding_role ADD CONSTRAINT holding_role_role_check CHECK (role BETWEEN 1 AND 4) NOT VALID;

ALTER TABLE transaction DROP CONSTRAINT transaction_operation_check;
ALTER TABLE transaction ADD CONSTRAINT transaction_operation_check CHECK (operation BETWEEN 1 AND 12) NOT VALID;
ALTER TABLE transaction
  ADD COLUMN kind smallint NOT NULL DEFAULT 0,
  ADD COLUMN channel smallint NOT NULL DEFAULT 0,
  ADD COLUMN merchant_category text NOT NULL DEFAULT '',
  ADD COLUMN category text NOT NULL DEFAULT '';

-- Configuration of the bank, no data of customers: no row security. A unit's rules hold for all units below it.
CREATE TABLE spending_rules (
  organisation_path text NOT NULL,
  rules jsonb NOT NULL,
  version integer NOT NULL DEFAULT 1,
  updated_by text NOT NULL,
  update_time timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT spending_rules_pkey PRIMARY KEY (organisation_path)
);
