-- migrate:no-transaction
-- The names of one branch's customers; the collation is that of the bytes, so that what lies below a path is one range.
CREATE INDEX CONCURRENTLY party_word_path_idx ON party_word (organisation_path COLLATE "C", word, party_id);
