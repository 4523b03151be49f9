-- The keys by which the sources know transactions, by far the most of all keys, in a table of their own: narrower than
-- natural_key, in the order of code points (which costs no collation), and without row security, so that an import can
-- write them with COPY. Like an index it keeps keys unique over all partitions, also those outside of the caller's view.
CREATE TABLE transaction_key (
  source text COLLATE "C" NOT NULL,
  source_key text COLLATE "C" NOT NULL,
  -- Digest of what the row said; 0 for what did not come from an import.
  content bigint NOT NULL,
  CONSTRAINT transaction_key_pkey PRIMARY KEY (source, source_key)
);

-- A version of the service that knows only natural_key goes on booking meanwhile. A key that is taken here makes it
-- fail instead of booking twice.
CREATE FUNCTION keep_transaction_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO transaction_key (source, source_key, content) VALUES (NEW.source, NEW.source_key, NEW.content);
  RETURN NULL;
END
$$;
CREATE TRIGGER natural_key_of_transaction AFTER INSERT ON natural_key
  FOR EACH ROW WHEN (NEW.kind = 2) EXECUTE FUNCTION keep_transaction_key();
