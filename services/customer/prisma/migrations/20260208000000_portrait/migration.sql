-- Tags: what the bank uses, and what its customers have.

-- Swept says how far the parties have been looked at since the rule last changed, or since the day began.
CREATE TABLE tag_definition (
  tag_id text COLLATE "C" NOT NULL CHECK (tag_id ~ '^[a-z][a-z0-9-]{0,59}$'),
  organisation_path text NOT NULL CHECK (organisation_path ~ '^(/|(/[a-z0-9_-]+)+)$'),
  title_en text NOT NULL,
  title_zh text NOT NULL,
  data_class smallint NOT NULL CHECK (data_class BETWEEN 1 AND 3),
  set_by_roles text[] NOT NULL DEFAULT '{}',
  lifetime_days integer NOT NULL DEFAULT 0 CHECK (lifetime_days >= 0),
  segment text NOT NULL DEFAULT '',
  conditions jsonb NOT NULL DEFAULT '[]',
  retired boolean NOT NULL DEFAULT false,
  version integer NOT NULL DEFAULT 1,
  update_time timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  swept_version integer NOT NULL DEFAULT 0,
  swept_day date,
  swept_party uuid,
  CONSTRAINT tag_definition_pkey PRIMARY KEY (tag_id)
);
CREATE INDEX tag_definition_segment_idx ON tag_definition (segment);

-- One row for each ground: a party has a tag for as long as one of them stands.
CREATE TABLE party_tag (
  party_id uuid NOT NULL,
  tag_id text COLLATE "C" NOT NULL,
  source smallint NOT NULL CHECK (source BETWEEN 1 AND 5),
  reference text NOT NULL DEFAULT '',
  set_by text NOT NULL,
  set_time timestamptz(3) NOT NULL,
  expire_time timestamptz(3),
  organisation_path text NOT NULL,
  manager text NOT NULL DEFAULT '',
  CONSTRAINT party_tag_pkey PRIMARY KEY (party_id, tag_id, source, reference)
) PARTITION BY HASH (party_id);
CREATE INDEX party_tag_expire_time_idx ON party_tag (expire_time);

DO $$
BEGIN
  FOR part IN 0..15 LOOP
    EXECUTE format('CREATE TABLE %I PARTITION OF party_tag FOR VALUES WITH (MODULUS 16, REMAINDER %s)',
      'party_tag_' || part, part);
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', 'party_tag_' || part);
    EXECUTE format('CREATE POLICY seen ON %I USING (kit.sees(organisation_path, manager))', 'party_tag_' || part);
  END LOOP;
END
$$;
ALTER TABLE party_tag ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY seen ON party_tag USING (kit.sees(organisation_path, manager));

-- What a bank starts with; it changes them and adds its own.
INSERT INTO tag_definition (tag_id, organisation_path, title_en, title_zh, data_class, set_by_roles, lifetime_days,
  conditions)
VALUES
  ('vip', '/', 'VIP customer', '贵宾客户', 2, '{branch_manager,relationship_manager,operator}', 0, '[]'),
  ('investor', '/', 'Interested in investing', '有投资意向', 2,
    '{branch_manager,relationship_manager,call_centre_agent,operator}', 180, '[]'),
  ('home-buyer', '/', 'Looks for a home', '有购房意向', 2,
    '{branch_manager,relationship_manager,call_centre_agent,operator}', 180, '[]'),
  ('prefers-branch', '/', 'Prefers the branch', '偏好网点服务', 1,
    '{branch_manager,relationship_manager,call_centre_agent,operator}', 0, '[]'),
  ('hardship', '/', 'In hardship', '生活困难', 3, '{branch_manager,relationship_manager}', 365, '[]'),
  ('minor', '/', 'Under age', '未成年人', 2, '{}', 0,
    '[{"attribute": 1, "comparison": 2, "value": "18", "currencyCode": ""}]'),
  ('senior', '/', 'Aged 65 or over', '六十五岁及以上', 2, '{}', 0,
    '[{"attribute": 1, "comparison": 1, "value": "65", "currencyCode": ""}]'),
  ('borrower', '/', 'Has a loan', '有贷款', 2, '{}', 0,
    '[{"attribute": 4, "comparison": 1, "value": "1", "currencyCode": ""}]');
