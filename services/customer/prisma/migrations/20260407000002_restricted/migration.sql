-- Whether the processing of a party is restricted by a request of its own: beside what its sources say of its state, so
-- that none of them lifts it.
ALTER TABLE party ADD COLUMN restricted boolean NOT NULL DEFAULT false;
UPDATE party SET restricted = true WHERE state = 2;
