-- rapport.team: the staff members that the caller stands in for, between commas (`,staff/a,staff/b,`), whose rows the
-- caller sees like the own. What is empty or was never set grants nothing, and so does a row that nobody looks after.
CREATE OR REPLACE FUNCTION kit.sees(path text, manager text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT coalesce(
    current_setting('rapport.scope', true) = '/'
    OR path = nullif(current_setting('rapport.scope', true), '')
    OR starts_with(path, nullif(current_setting('rapport.scope', true), '') || '/')
    OR path = nullif(current_setting('rapport.branch', true), '')
    OR manager = nullif(current_setting('rapport.subject', true), '')
    OR strpos(nullif(current_setting('rapport.team', true), ''), ',' || manager || ',') > 0, false)
$$;
