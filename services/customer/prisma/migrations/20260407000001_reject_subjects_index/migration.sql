-- migrate:no-transaction
CREATE INDEX CONCURRENTLY import_reject_subjects_idx ON import_reject USING gin (subjects);
