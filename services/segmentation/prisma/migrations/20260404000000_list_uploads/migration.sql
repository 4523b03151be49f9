-- Lists are filled by uploads, each a version of its list.

ALTER TABLE "static_list" ADD COLUMN "latest_version" INTEGER NOT NULL DEFAULT 0,
  ADD COLUMN "retired_by" TEXT NOT NULL DEFAULT '',
  ADD COLUMN "retire_time" TIMESTAMPTZ(3);

ALTER TABLE "list_entry" ADD COLUMN "note" TEXT NOT NULL DEFAULT '',
  ADD COLUMN "version" INTEGER NOT NULL DEFAULT 0;

CREATE TABLE "list_upload" (
  "list_id" TEXT NOT NULL,
  "upload_id" UUID NOT NULL,
  "mode" SMALLINT NOT NULL,
  "state" SMALLINT NOT NULL DEFAULT 1,
  "file_name" TEXT NOT NULL,
  "checksum" TEXT NOT NULL DEFAULT '',
  "expected_rows" BIGINT NOT NULL DEFAULT 0,
  "received_rows" BIGINT NOT NULL DEFAULT 0,
  "accepted" BIGINT NOT NULL DEFAULT 0,
  "rejected" BIGINT NOT NULL DEFAULT 0,
  "difference" JSONB,
  "applied" JSONB NOT NULL DEFAULT '{}',
  "checked_version" INTEGER,
  "version" INTEGER,
  "apply_date" DATE,
  "ended_through" UUID,
  "rows_left" BOOLEAN NOT NULL DEFAULT true,
  "created_by" TEXT NOT NULL,
  "create_time" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "change_time" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "check_time" TIMESTAMPTZ(3),
  "applied_by" TEXT NOT NULL DEFAULT '',
  "approved_by" TEXT NOT NULL DEFAULT '',
  "approve_time" TIMESTAMPTZ(3),
  "rejected_by" TEXT NOT NULL DEFAULT '',
  "reject_reason" TEXT NOT NULL DEFAULT '',
  "complete_time" TIMESTAMPTZ(3),
  CONSTRAINT "list_upload_pkey" PRIMARY KEY ("list_id", "upload_id"),
  CONSTRAINT "list_upload_four_eyes" CHECK ("approved_by" = '' OR "approved_by" NOT IN ("created_by", "applied_by"))
);
ALTER TABLE "list_upload" ADD CONSTRAINT "list_upload_list_id_fkey"
  FOREIGN KEY ("list_id") REFERENCES "static_list"("list_id") ON DELETE RESTRICT ON UPDATE CASCADE;
CREATE UNIQUE INDEX "list_upload_list_id_version_key" ON "list_upload"("list_id", "version");
-- What is still to be done with uploads.
CREATE INDEX "list_upload_open" ON "list_upload"("state", "change_time") WHERE "rows_left";

CREATE TABLE "list_upload_row" (
  "upload_id" UUID NOT NULL,
  "party_id" UUID NOT NULL,
  "until_date" DATE,
  "note" TEXT NOT NULL DEFAULT '',
  "organisation_path" TEXT NOT NULL,
  "manager" TEXT NOT NULL DEFAULT '',
  "placed" BIGINT NOT NULL,
  CONSTRAINT "list_upload_row_pkey" PRIMARY KEY ("upload_id", "party_id")
);
CREATE INDEX "list_upload_row_party_id_idx" ON "list_upload_row"("party_id");
ALTER TABLE "list_upload_row" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY seen ON "list_upload_row" USING (kit.sees(organisation_path, manager));

CREATE TABLE "list_upload_reject" (
  "upload_id" UUID NOT NULL,
  "row" BIGINT NOT NULL,
  "line" BIGINT NOT NULL,
  "field" TEXT NOT NULL,
  "value" TEXT NOT NULL,
  "reason" SMALLINT NOT NULL,
  "organisation_path" TEXT NOT NULL,
  "create_time" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "list_upload_reject_pkey" PRIMARY KEY ("upload_id", "row")
);
CREATE INDEX "list_upload_reject_create_time_idx" ON "list_upload_reject"("create_time");
ALTER TABLE "list_upload_reject" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY seen ON "list_upload_reject" USING (kit.sees(organisation_path, NULL));
