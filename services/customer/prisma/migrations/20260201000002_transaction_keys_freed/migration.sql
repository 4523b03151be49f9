-- A transaction that loses its key, as in the erasure of a party, frees it: the key of a source may tell who it is about.
CREATE FUNCTION free_transaction_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM transaction_key WHERE source = OLD.source AND source_key = OLD.source_key;
  RETURN NULL;
END
$$;
CREATE TRIGGER transaction_key_freed AFTER UPDATE OF source_key ON transaction
  FOR EACH ROW WHEN (OLD.source_key IS NOT NULL AND NEW.source_key IS DISTINCT FROM OLD.source_key)
  EXECUTE FUNCTION free_transaction_key();
CREATE TRIGGER transaction_key_deleted AFTER DELETE ON transaction
  FOR EACH ROW WHEN (OLD.source_key IS NOT NULL) EXECUTE FUNCTION free_transaction_key();
