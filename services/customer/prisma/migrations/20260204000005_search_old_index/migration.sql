-- migrate:no-transaction
DROP INDEX CONCURRENTLY party_word_word_party_id_idx;
