-- The words that names are made of, each once and tied to nobody, so that misspelt ones are found by forms and trigrams.
-- Row security would keep such operators away from an index (they are not leakproof); here is nothing to secure, and the
-- parties that have a word are then found under row security by equality. See services/adr.
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- A word and all that is left of it without one letter: two words that share a form are one slip apart, or nearly.
CREATE FUNCTION name_forms(word text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT array_agg(DISTINCT overlay(word PLACING '' FROM i FOR 1)) || word FROM generate_series(1, length(word)) AS i
$$;

CREATE TABLE name_word (
  word text COLLATE "C" NOT NULL,
  forms text[] NOT NULL,
  CONSTRAINT name_word_pkey PRIMARY KEY (word)
);

-- Every party's words, whoever migrates.
SET LOCAL rapport.scope = '/';
INSERT INTO name_word (word, forms)
SELECT word, name_forms(word) FROM (
  SELECT DISTINCT word FROM party_word WHERE word ~ '^[[:alpha:]]{3,30}$' AND word !~ '[一-鿿]') AS w;

CREATE INDEX name_word_forms_idx ON name_word USING gin (forms) WITH (fastupdate = off);
CREATE INDEX name_word_trigrams_idx ON name_word USING gin (word gin_trgm_ops) WITH (fastupdate = off);

-- A word that nobody has any more goes, so that nothing of an erased party stays. It must look at all rows to know that,
-- whoever erases, and puts the scope back at once.
CREATE FUNCTION forget_name_words() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  scope text := coalesce(current_setting('rapport.scope', true), '');
BEGIN
  PERFORM set_config('rapport.scope', '/', true);
  DELETE FROM name_word n USING (SELECT DISTINCT word FROM before) AS b
  WHERE n.word = b.word AND NOT EXISTS (SELECT FROM party_word w WHERE w.word = b.word);
  PERFORM set_config('rapport.scope', scope, true);
  RETURN NULL;
END
$$;
CREATE TRIGGER party_word_forget AFTER DELETE ON party_word
  REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION forget_name_words();

-- The number of an account as it is asked for: what follows the last stroke of its source key, letters and digits alone.
CREATE FUNCTION account_number(source_key text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT upper(regexp_replace(regexp_replace(source_key, '^.*/', ''), '[^A-Za-z0-9]', '', 'g'))
$$;
