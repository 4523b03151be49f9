-- Segments, their versions, who is in them, and which parties have to be looked at again.

CREATE TABLE "segment" (
  "segment_id" TEXT NOT NULL,
  "title" TEXT NOT NULL,
  "organisation_path" TEXT NOT NULL,
  "created_by" TEXT NOT NULL,
  "create_time" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "update_time" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "segment_pkey" PRIMARY KEY ("segment_id"),
  CONSTRAINT "segment_id_form" CHECK ("segment_id" ~ '^[a-z]([a-z0-9-]{0,58}[a-z0-9])?$')
);

CREATE TABLE "segment_version" (
  "segment_id" TEXT NOT NULL,
  "version" INTEGER NOT NULL,
  "rule" TEXT NOT NULL,
  "as_of" DATE,
  "state" SMALLINT NOT NULL DEFAULT 1,
  "members" BIGINT NOT NULL DEFAULT 0,
  "evaluated_day" DATE,
  "evaluate_time" TIMESTAMPTZ(3),
  "created_by" TEXT NOT NULL,
  "create_time" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "publish_time" TIMESTAMPTZ(3),
  CONSTRAINT "segment_version_pkey" PRIMARY KEY ("segment_id", "version"),
  CONSTRAINT "segment_version_positive" CHECK ("version" > 0 AND "members" >= 0),
  CONSTRAINT "segment_version_state" CHECK ("state" BETWEEN 1 AND 4)
);
ALTER TABLE "segment_version" ADD CONSTRAINT "segment_version_segment_id_fkey"
  FOREIGN KEY ("segment_id") REFERENCES "segment"("segment_id") ON DELETE RESTRICT ON UPDATE CASCADE;
CREATE INDEX "segment_version_state_segment_id_idx" ON "segment_version"("state", "segment_id");
-- One version of a segment is in use at a time.
CREATE UNIQUE INDEX "segment_version_published" ON "segment_version"("segment_id") WHERE "state" = 3;

CREATE TABLE "membership" (
  "party_id" UUID NOT NULL,
  "segment_id" TEXT NOT NULL,
  "version" INTEGER NOT NULL,
  "organisation_path" TEXT NOT NULL,
  "manager" TEXT NOT NULL DEFAULT '',
  "enter_time" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "membership_pkey" PRIMARY KEY ("party_id", "segment_id", "version")
) PARTITION BY HASH ("party_id");
CREATE INDEX "membership_segment_id_version_party_id_idx" ON "membership"("segment_id", "version", "party_id");
ALTER TABLE "membership" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY seen ON "membership" USING (kit.sees(organisation_path, manager));

-- A partition is a table of its own: whoever names it must meet the same policy.
DO $$
BEGIN
  FOR part IN 0..15 LOOP
    EXECUTE format('CREATE TABLE %I PARTITION OF membership FOR VALUES WITH (MODULUS 16, REMAINDER %s)', 'membership_' || part, part);
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', 'membership_' || part);
    EXECUTE format('CREATE POLICY seen ON %I USING (kit.sees(organisation_path, manager))', 'membership_' || part);
  END LOOP;
END
$$;

CREATE TABLE "changed_party" (
  "party_id" UUID NOT NULL,
  "shard" SMALLINT NOT NULL,
  "change" BIGINT NOT NULL DEFAULT 1,
  "pending" BOOLEAN NOT NULL DEFAULT true,
  "traceparent" TEXT,
  "change_time" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "evaluate_time" TIMESTAMPTZ(3),
  CONSTRAINT "changed_party_pkey" PRIMARY KEY ("party_id")
) WITH (fillfactor = 70);
CREATE INDEX "changed_party_pending" ON "changed_party"("shard", "change_time") WHERE "pending";
CREATE INDEX "changed_party_evaluate_time_idx" ON "changed_party"("evaluate_time");

-- Lost with a crash of Postgres, and then the evaluation that filled it has failed anyway.
CREATE UNLOGGED TABLE "candidate" (
  "evaluation_id" UUID NOT NULL,
  "party_id" UUID NOT NULL,
  "organisation_path" TEXT NOT NULL,
  "manager" TEXT NOT NULL DEFAULT '',
  CONSTRAINT "candidate_pkey" PRIMARY KEY ("evaluation_id", "party_id")
);
ALTER TABLE "candidate" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY seen ON "candidate" USING (kit.sees(organisation_path, manager));

CREATE TABLE "fact_progress" (
  "only" BOOLEAN NOT NULL DEFAULT true,
  "last_event_time" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "fact_progress_pkey" PRIMARY KEY ("only"),
  CONSTRAINT "fact_progress_only" CHECK ("only")
);
