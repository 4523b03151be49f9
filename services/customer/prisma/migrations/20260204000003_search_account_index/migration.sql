-- migrate:no-transaction
CREATE INDEX CONCURRENTLY natural_key_account_idx ON natural_key (account_number(source_key)) WHERE kind = 1;
