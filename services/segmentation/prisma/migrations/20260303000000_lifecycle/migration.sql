-- Who approved, sent back, published and retired a version. Versions that were published before have nobody here.
ALTER TABLE "segment_version" ADD COLUMN "approved_by" TEXT NOT NULL DEFAULT '';
ALTER TABLE "segment_version" ADD COLUMN "approve_time" TIMESTAMPTZ(3);
ALTER TABLE "segment_version" ADD COLUMN "rejected_by" TEXT NOT NULL DEFAULT '';
ALTER TABLE "segment_version" ADD COLUMN "reject_time" TIMESTAMPTZ(3);
ALTER TABLE "segment_version" ADD COLUMN "reject_reason" TEXT NOT NULL DEFAULT '';
ALTER TABLE "segment_version" ADD COLUMN "published_by" TEXT NOT NULL DEFAULT '';
ALTER TABLE "segment_version" ADD COLUMN "retired_by" TEXT NOT NULL DEFAULT '';
ALTER TABLE "segment_version" ADD COLUMN "retire_time" TIMESTAMPTZ(3);
-- Four eyes, whatever the code does.
ALTER TABLE "segment_version" ADD CONSTRAINT "segment_version_four_eyes"
  CHECK ("approved_by" = '' OR "approved_by" <> "created_by");

-- The campaigns that send to a version, as events of marketing told; paused and completed ones send to nobody.
CREATE TABLE "campaign_use" (
  "campaign_id" UUID NOT NULL,
  "segment_id" TEXT NOT NULL,
  "version" INTEGER NOT NULL,
  "active" BOOLEAN NOT NULL,
  "change_time" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "campaign_use_pkey" PRIMARY KEY ("campaign_id")
);
CREATE INDEX "campaign_use_segment_id_version_idx" ON "campaign_use"("segment_id", "version");

-- How many came into a version and left it, by day and reason: at most five rows a day for a version. Its size at the end
-- of a day is the sum up to then.
CREATE TABLE "segment_day" (
  "segment_id" TEXT NOT NULL,
  "version" INTEGER NOT NULL,
  "day" DATE NOT NULL,
  "reason" SMALLINT NOT NULL,
  "entered" BIGINT NOT NULL DEFAULT 0,
  "exited" BIGINT NOT NULL DEFAULT 0,
  CONSTRAINT "segment_day_pkey" PRIMARY KEY ("segment_id", "version", "day", "reason")
);
-- What has members by now begins with them.
INSERT INTO "segment_day" ("segment_id", "version", "day", "reason", "entered")
  SELECT "segment_id", "version", coalesce("publish_time", "create_time")::date, 1, "members"
  FROM "segment_version" WHERE "members" > 0;
