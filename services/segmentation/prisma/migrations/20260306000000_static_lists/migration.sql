-- Lists of parties that people upload.

CREATE TABLE "static_list" (
  "list_id" TEXT NOT NULL,
  "title" TEXT NOT NULL,
  "organisation_path" TEXT NOT NULL,
  "created_by" TEXT NOT NULL,
  "create_time" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "static_list_pkey" PRIMARY KEY ("list_id"),
  CONSTRAINT "static_list_id_form" CHECK ("list_id" ~ '^[a-z][a-z0-9-]{0,59}$')
);

CREATE TABLE "list_entry" (
  "list_id" TEXT NOT NULL,
  "party_id" UUID NOT NULL,
  "from_date" DATE NOT NULL,
  "until_date" DATE,
  "organisation_path" TEXT NOT NULL,
  "manager" TEXT NOT NULL DEFAULT '',
  "placed" BIGINT NOT NULL,
  "changed_by" TEXT NOT NULL,
  "change_time" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "change" BIGSERIAL NOT NULL,
  "sent" BOOLEAN NOT NULL DEFAULT false,
  CONSTRAINT "list_entry_pkey" PRIMARY KEY ("list_id", "party_id", "from_date"),
  -- An entry that was taken back on its first day has ended the day before.
  CONSTRAINT "list_entry_days" CHECK ("until_date" >= "from_date" - 1)
);
ALTER TABLE "list_entry" ADD CONSTRAINT "list_entry_list_id_fkey"
  FOREIGN KEY ("list_id") REFERENCES "static_list"("list_id") ON DELETE RESTRICT ON UPDATE CASCADE;
CREATE INDEX "list_entry_party_id_idx" ON "list_entry"("party_id");
-- What ClickHouse does not have yet.
CREATE INDEX "list_entry_unsent" ON "list_entry"("change") WHERE NOT "sent";
ALTER TABLE "list_entry" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY seen ON "list_entry" USING (kit.sees(organisation_path, manager));
