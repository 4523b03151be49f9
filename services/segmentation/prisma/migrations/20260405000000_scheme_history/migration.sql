-- Runs that fill in the history of a day before a scheme came into use.
ALTER TABLE "scheme_run" DROP CONSTRAINT "scheme_run_state";
ALTER TABLE "scheme_run" ADD CONSTRAINT "scheme_run_state" CHECK ("state" BETWEEN 1 AND 4 AND "kind" BETWEEN 1 AND 4);

-- The tiers of parties in full: the first tier of a party is a change from none. Nothing else keeps it for good, so that
-- what ClickHouse has of it can be made from here again.
ALTER TABLE "tier_change" ADD COLUMN "score" DOUBLE PRECISION;
CREATE INDEX "tier_change_scheme_id_party_id_day_idx" ON "tier_change"("scheme_id", "party_id", "day");

-- Since when a party is below what keeps it in its tier. Who is not has no row.
CREATE TABLE "tier_watch" (
  "scheme_id" TEXT NOT NULL,
  "party_id" UUID NOT NULL,
  "below_from" DATE NOT NULL,
  "organisation_path" TEXT NOT NULL,
  "manager" TEXT NOT NULL DEFAULT '',
  CONSTRAINT "tier_watch_pkey" PRIMARY KEY ("scheme_id", "party_id")
);
CREATE INDEX "tier_watch_party_id_idx" ON "tier_watch"("party_id");
ALTER TABLE "tier_watch" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY seen ON "tier_watch" USING (kit.sees(organisation_path, manager));
