-- In a transaction of its own: bookings go on while the keys of before are copied.
INSERT INTO transaction_key (source, source_key, content)
SELECT source, source_key, content FROM natural_key WHERE kind = 2
ON CONFLICT DO NOTHING;
