-- Until when a version is kept in use for a campaign that is about to start; null when it is not.
ALTER TABLE "campaign_use" ADD COLUMN "reserved_until" TIMESTAMPTZ(3);
