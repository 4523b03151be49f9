-- Whom a refused row is about: keyed digests of the source keys that it names, so that what it quotes is found when one
-- of them is erased. Rows from before have none and are found by the values they quote.
ALTER TABLE import_reject ADD COLUMN subjects bytea[];
