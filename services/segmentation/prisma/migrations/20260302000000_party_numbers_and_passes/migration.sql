-- A dense number for each party, given once and never again: membership of a pass is one bitmap of them.
CREATE TABLE "party_number" (
  "party_id" UUID NOT NULL,
  "number" SERIAL NOT NULL,
  CONSTRAINT "party_number_pkey" PRIMARY KEY ("party_id")
);
CREATE UNIQUE INDEX "party_number_number_key" ON "party_number"("number");

-- What passes over all parties have done with a version. Without a pass its members are read from "membership" once.
CREATE SEQUENCE "segment_pass";
ALTER TABLE "segment_version" ADD COLUMN "pass" BIGINT;
ALTER TABLE "segment_version" ADD COLUMN "pass_since" TIMESTAMPTZ(3);
ALTER TABLE "segment_version" ADD COLUMN "pass_day" DATE;
ALTER TABLE "segment_version" ADD COLUMN "pass_asked" TIMESTAMPTZ(3);
ALTER TABLE "segment_version" ADD COLUMN "running_pass" BIGINT;
ALTER TABLE "segment_version" ADD COLUMN "running_until" TIMESTAMPTZ(3);
