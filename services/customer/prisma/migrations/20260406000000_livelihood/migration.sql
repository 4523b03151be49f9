-- What a party does and earns. Constant defaults, so no row is written anew; a version from before leaves them as they are.
ALTER TABLE party
  ADD COLUMN occupation text NOT NULL DEFAULT '',
  ADD COLUMN industry text NOT NULL DEFAULT '',
  ADD COLUMN education smallint NOT NULL DEFAULT 0,
  ADD COLUMN income bigint,
  ADD COLUMN income_currency text NOT NULL DEFAULT '',
  ADD COLUMN income_date date;
