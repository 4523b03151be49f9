-- migrate:no-transaction
-- The names of one relationship manager's customers, among those of a million others.
CREATE INDEX CONCURRENTLY party_word_manager_idx ON party_word (manager, word, party_id) WHERE manager <> '';
