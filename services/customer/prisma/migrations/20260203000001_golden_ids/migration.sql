-- In a transaction of its own, so that readers and writers go on while the rows that were there before are filled.
SET LOCAL rapport.scope = '/';
UPDATE party SET golden_id = party_id WHERE golden_id IS NULL;
ALTER TABLE party ALTER COLUMN golden_id SET NOT NULL;
