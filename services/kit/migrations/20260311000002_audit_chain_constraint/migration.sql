-- audit_chain says the same.
ALTER TABLE kit.audit DROP CONSTRAINT audit_chain_seq_key;
