-- Keys of sources whose parties were erased, as keyed digests: nothing leads from one to a person without the key and the
-- source's own list. Keeps an import from bringing somebody back unnoticed, and so, like an index, it is not subject to row
-- security.
CREATE TABLE erased_key (
  digest bytea NOT NULL,
  organisation_path text NOT NULL,
  erase_time timestamptz(3) NOT NULL,
  CONSTRAINT erased_key_pkey PRIMARY KEY (digest)
);
