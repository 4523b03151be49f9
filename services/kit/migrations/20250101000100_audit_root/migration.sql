-- Signed ends of the audit chain: whoever rewrites history up to one of them has to forge a signature too.
CREATE TABLE kit.audit_root (
  seq bigint PRIMARY KEY,
  hash bytea NOT NULL,
  key_id text NOT NULL,
  signature bytea NOT NULL,
  at timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION kit.keep_audit_root() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'signed roots are kept as they were written' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER keep_audit_root BEFORE UPDATE OR DELETE OR TRUNCATE ON kit.audit_root
  FOR EACH STATEMENT EXECUTE FUNCTION kit.keep_audit_root();
