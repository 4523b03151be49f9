-- How good the record of each party is: 0 to 100, and the codes of what is wrong or missing, which are not personal.
-- NULL until a version of the service that judges has written the row.
ALTER TABLE party
  ADD COLUMN quality smallint CHECK (quality BETWEEN 0 AND 100),
  ADD COLUMN issues text[] NOT NULL DEFAULT '{}';

-- Parties by issue, so that a report costs the same however many there are. The code '' counts all that were judged, with
-- the sum of their scores. Writers at once use different slots (by their connection) and rarely wait for each other; the
-- sum over the slots is what counts, one of them may be negative. Holds counts only, so it stands outside of row security
-- like an index: a manager who may write a party of a branch moves its counts without seeing them.
CREATE TABLE quality_count (
  organisation_path text NOT NULL,
  source text NOT NULL,
  code text NOT NULL,
  slot smallint NOT NULL,
  parties bigint NOT NULL,
  score bigint NOT NULL,
  CONSTRAINT quality_count_pkey PRIMARY KEY (organisation_path, source, code, slot)
);

-- The counts follow whatever writes parties: creation, imports, merges, erasure. One statement changes them once, in the
-- order of the key, so that two writers of one slot wait for each other in one order.
CREATE FUNCTION count_quality_after_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO quality_count AS q (organisation_path, source, code, slot, parties, score)
  SELECT p.organisation_path, coalesce(p.source, ''), c.code, pg_backend_pid() % 8, count(*),
    sum(CASE WHEN c.code = '' THEN p.quality ELSE 0 END)
  FROM after p CROSS JOIN LATERAL unnest(array_prepend('', p.issues)) AS c (code)
  WHERE p.quality IS NOT NULL
  GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
  ON CONFLICT (organisation_path, source, code, slot)
    DO UPDATE SET parties = q.parties + excluded.parties, score = q.score + excluded.score;
  RETURN NULL;
END
$$;
CREATE FUNCTION count_quality_after_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO quality_count AS q (organisation_path, source, code, slot, parties, score)
  SELECT p.organisation_path, coalesce(p.source, ''), c.code, pg_backend_pid() % 8, -count(*),
    -sum(CASE WHEN c.code = '' THEN p.quality ELSE 0 END)
  FROM before p CROSS JOIN LATERAL unnest(array_prepend('', p.issues)) AS c (code)
  WHERE p.quality IS NOT NULL
  GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
  ON CONFLICT (organisation_path, source, code, slot)
    DO UPDATE SET parties = q.parties + excluded.parties, score = q.score + excluded.score;
  RETURN NULL;
END
$$;
CREATE FUNCTION count_quality_after_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO quality_count AS q (organisation_path, source, code, slot, parties, score)
  SELECT p.organisation_path, coalesce(p.source, ''), c.code, pg_backend_pid() % 8, sum(p.sign),
    sum(CASE WHEN c.code = '' THEN p.sign * p.quality ELSE 0 END)
  FROM (
    SELECT 1 AS sign, organisation_path, source, quality, issues FROM after
    UNION ALL SELECT -1, organisation_path, source, quality, issues FROM before) p
    CROSS JOIN LATERAL unnest(array_prepend('', p.issues)) AS c (code)
  WHERE p.quality IS NOT NULL
  GROUP BY 1, 2, 3 HAVING sum(p.sign) <> 0 OR sum(CASE WHEN c.code = '' THEN p.sign * p.quality ELSE 0 END) <> 0
  ORDER BY 1, 2, 3
  ON CONFLICT (organisation_path, source, code, slot)
    DO UPDATE SET parties = q.parties + excluded.parties, score = q.score + excluded.score;
  RETURN NULL;
END
$$;
CREATE TRIGGER party_quality_insert AFTER INSERT ON party
  REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION count_quality_after_insert();
CREATE TRIGGER party_quality_delete AFTER DELETE ON party
  REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION count_quality_after_delete();
CREATE TRIGGER party_quality_update AFTER UPDATE ON party
  REFERENCING NEW TABLE AS after OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION count_quality_after_update();
