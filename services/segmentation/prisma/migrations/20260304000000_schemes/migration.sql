-- Schemes divide parties into named groups; each group of the version in use is a segment. Holds no customer data.

CREATE TABLE "scheme" (
  "scheme_id" TEXT NOT NULL,
  "title" TEXT NOT NULL,
  "organisation_path" TEXT NOT NULL,
  "kind" SMALLINT NOT NULL,
  "created_by" TEXT NOT NULL,
  "create_time" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "scheme_pkey" PRIMARY KEY ("scheme_id"),
  CONSTRAINT "scheme_id_form" CHECK ("scheme_id" ~ '^[a-z]([a-z0-9-]{0,27}[a-z0-9])?$')
);

CREATE TABLE "scheme_version" (
  "scheme_id" TEXT NOT NULL,
  "version" INTEGER NOT NULL,
  "plan" JSONB NOT NULL,
  "model" JSONB,
  "state" SMALLINT NOT NULL DEFAULT 1,
  "assigned_day" DATE,
  "created_by" TEXT NOT NULL,
  "create_time" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "approved_by" TEXT NOT NULL DEFAULT '',
  "approve_time" TIMESTAMPTZ(3),
  "reject_reason" TEXT NOT NULL DEFAULT '',
  "publish_time" TIMESTAMPTZ(3),
  "retire_time" TIMESTAMPTZ(3),
  CONSTRAINT "scheme_version_pkey" PRIMARY KEY ("scheme_id", "version"),
  CONSTRAINT "scheme_version_state" CHECK ("version" > 0 AND "state" BETWEEN 1 AND 4)
);
ALTER TABLE "scheme_version" ADD CONSTRAINT "scheme_version_scheme_id_fkey"
  FOREIGN KEY ("scheme_id") REFERENCES "scheme"("scheme_id") ON DELETE RESTRICT ON UPDATE CASCADE;
-- One version of a scheme is in use at a time.
CREATE UNIQUE INDEX "scheme_version_published" ON "scheme_version"("scheme_id") WHERE "state" = 3;

-- Long work. A process takes the oldest that nobody holds; a claim that is not renewed is free again.
CREATE TABLE "scheme_run" (
  "run_id" UUID NOT NULL,
  "scheme_id" TEXT NOT NULL,
  "version" INTEGER NOT NULL,
  "kind" SMALLINT NOT NULL,
  "state" SMALLINT NOT NULL DEFAULT 1,
  "as_of" DATE NOT NULL,
  "step" TEXT NOT NULL DEFAULT '',
  "steps_done" INTEGER NOT NULL DEFAULT 0,
  "steps_total" INTEGER NOT NULL DEFAULT 0,
  "reason" TEXT NOT NULL DEFAULT '',
  "message" TEXT NOT NULL DEFAULT '',
  "changed" BIGINT NOT NULL DEFAULT 0,
  "attempts" INTEGER NOT NULL DEFAULT 0,
  "created_by" TEXT NOT NULL,
  "create_time" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "start_time" TIMESTAMPTZ(3),
  "finish_time" TIMESTAMPTZ(3),
  CONSTRAINT "scheme_run_pkey" PRIMARY KEY ("run_id"),
  CONSTRAINT "scheme_run_state" CHECK ("state" BETWEEN 1 AND 4 AND "kind" BETWEEN 1 AND 3)
);
ALTER TABLE "scheme_run" ADD CONSTRAINT "scheme_run_version_fkey"
  FOREIGN KEY ("scheme_id", "version") REFERENCES "scheme_version"("scheme_id", "version") ON DELETE RESTRICT ON UPDATE CASCADE;
CREATE INDEX "scheme_run_scheme_id_run_id_idx" ON "scheme_run"("scheme_id", "run_id");
CREATE INDEX "scheme_run_open" ON "scheme_run"("create_time") WHERE "state" <= 2;
-- Of one kind of work, a version has one run for a day under way.
CREATE UNIQUE INDEX "scheme_run_once" ON "scheme_run"("scheme_id", "version", "kind", "as_of") WHERE "state" <= 2;

-- The scheme whose group a segment is; nobody adds versions to it by hand.
ALTER TABLE "segment" ADD COLUMN "scheme_id" TEXT;

-- Changes of tier that were told: of a party, a version tells at most one for a day.
CREATE TABLE "tier_change" (
  "party_id" UUID NOT NULL,
  "scheme_id" TEXT NOT NULL,
  "version" INTEGER NOT NULL,
  "day" DATE NOT NULL,
  "from_tier" TEXT NOT NULL,
  "to_tier" TEXT NOT NULL,
  "organisation_path" TEXT NOT NULL,
  "manager" TEXT NOT NULL DEFAULT '',
  CONSTRAINT "tier_change_pkey" PRIMARY KEY ("party_id", "scheme_id", "version", "day")
);
ALTER TABLE "tier_change" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY seen ON "tier_change" USING (kit.sees(organisation_path, manager));
