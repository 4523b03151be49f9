-- A cancelled import has an end (complete_time) as a completed one, so that a process of the version before, which knows
-- nothing of cancelling, stops writing to it too.
ALTER TABLE import_run ADD COLUMN cancelled_by text NOT NULL DEFAULT '';
ALTER TABLE import_run ADD COLUMN cancel_reason text NOT NULL DEFAULT '';
