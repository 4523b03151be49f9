-- migrate:no-transaction
CREATE INDEX CONCURRENTLY party_word_place_idx ON party_word (word, party_id, organisation_path, manager);
