-- CreateTable
CREATE TABLE "product" (
    "product_id" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "description" TEXT NOT NULL DEFAULT '',
    "category" TEXT NOT NULL,
    "organisation_path" TEXT NOT NULL,
    "create_time" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "product_pkey" PRIMARY KEY ("product_id")
);

-- CreateTable
CREATE TABLE "offer" (
    "offer_id" UUID NOT NULL,
    "product_id" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "terms" TEXT NOT NULL DEFAULT '',
    "start_date" DATE,
    "end_date" DATE,
    "organisation_path" TEXT NOT NULL,
    "create_time" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "offer_pkey" PRIMARY KEY ("offer_id")
);

-- CreateTable
CREATE TABLE "template" (
    "template_id" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "organisation_path" TEXT NOT NULL,
    "latest_version" INTEGER NOT NULL DEFAULT 1,
    "create_time" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "template_pkey" PRIMARY KEY ("template_id")
);

-- CreateTable
CREATE TABLE "template_version" (
    "template_id" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "variables" JSONB NOT NULL,
    "variants" JSONB NOT NULL,
    "created_by" TEXT NOT NULL,
    "create_time" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "template_version_pkey" PRIMARY KEY ("template_id","version")
);

-- CreateTable
CREATE TABLE "campaign" (
    "campaign_id" UUID NOT NULL,
    "title" TEXT NOT NULL,
    "segment_id" TEXT NOT NULL,
    "segment_version" INTEGER NOT NULL,
    "template_id" TEXT NOT NULL,
    "template_version" INTEGER NOT NULL,
    "offer_id" UUID,
    "channel" SMALLINT NOT NULL,
    "purpose" TEXT NOT NULL,
    "organisation_path" TEXT NOT NULL,
    "on_enter" BOOLEAN NOT NULL DEFAULT false,
    "holdout_percent" SMALLINT NOT NULL DEFAULT 0,
    "values" JSONB NOT NULL DEFAULT '{}',
    "state" SMALLINT NOT NULL DEFAULT 1,
    "created_by" TEXT NOT NULL,
    "approved_by" TEXT NOT NULL DEFAULT '',
    "create_time" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "approve_time" TIMESTAMPTZ(3),
    "launch_time" TIMESTAMPTZ(3),
    "complete_time" TIMESTAMPTZ(3),
    "version" INTEGER NOT NULL DEFAULT 1,
    "audience_token" TEXT NOT NULL DEFAULT '',
    "audience_done" BOOLEAN NOT NULL DEFAULT false,
    "audience_lease" TIMESTAMPTZ(3),
    "traceparent" TEXT NOT NULL DEFAULT '',

    CONSTRAINT "campaign_pkey" PRIMARY KEY ("campaign_id")
);

-- CreateTable
-- Deliveries are many and always asked for by their party or by what is due, so they are spread by the party.
CREATE TABLE "delivery" (
    "party_id" UUID NOT NULL,
    "campaign_id" UUID NOT NULL,
    "delivery_id" UUID NOT NULL,
    "organisation_path" TEXT NOT NULL,
    "manager" TEXT NOT NULL DEFAULT '',
    "state" SMALLINT NOT NULL DEFAULT 1,
    "reason" SMALLINT NOT NULL DEFAULT 2,
    "checks" JSONB NOT NULL DEFAULT '[]',
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "send_attempts" INTEGER NOT NULL DEFAULT 0,
    "due_time" TIMESTAMPTZ(3),
    "lease" UUID,
    "retry_time" TIMESTAMPTZ(3),
    "decide_time" TIMESTAMPTZ(3),
    "language" TEXT NOT NULL DEFAULT '',
    "traceparent" TEXT NOT NULL DEFAULT '',
    "create_time" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "delivery_pkey" PRIMARY KEY ("party_id","campaign_id")
) PARTITION BY HASH ("party_id");

-- CreateTable
CREATE TABLE "delivery_decision" (
    "party_id" UUID NOT NULL,
    "delivery_id" UUID NOT NULL,
    "decision_id" UUID NOT NULL,
    "campaign_id" UUID NOT NULL,
    "decision" SMALLINT NOT NULL,
    "reason" SMALLINT NOT NULL,
    "checks" JSONB NOT NULL,
    "attempt" INTEGER NOT NULL,
    "trace_id" TEXT NOT NULL DEFAULT '',
    "organisation_path" TEXT NOT NULL,
    "manager" TEXT NOT NULL DEFAULT '',
    "decide_time" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "delivery_decision_pkey" PRIMARY KEY ("party_id","delivery_id","decision_id")
) PARTITION BY HASH ("party_id");

-- CreateTable
CREATE TABLE "message_slot" (
    "party_id" UUID NOT NULL,
    "delivery_id" UUID NOT NULL,
    "channel" SMALLINT NOT NULL,
    "purpose" TEXT NOT NULL,
    "time" TIMESTAMPTZ(3) NOT NULL,
    "organisation_path" TEXT NOT NULL,
    "manager" TEXT NOT NULL DEFAULT '',

    CONSTRAINT "message_slot_pkey" PRIMARY KEY ("party_id","delivery_id")
) PARTITION BY HASH ("party_id");

-- CreateTable
CREATE TABLE "suppression" (
    "suppression_id" UUID NOT NULL,
    "party_id" UUID NOT NULL,
    "channel" SMALLINT NOT NULL DEFAULT 0,
    "purpose" TEXT NOT NULL DEFAULT '',
    "reason" TEXT NOT NULL,
    "organisation_path" TEXT NOT NULL,
    "expire_time" TIMESTAMPTZ(3),
    "created_by" TEXT NOT NULL,
    "create_time" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "suppression_pkey" PRIMARY KEY ("suppression_id")
);

-- CreateTable
CREATE TABLE "contact_policy" (
    "organisation_path" TEXT NOT NULL,
    "frequency_caps" JSONB NOT NULL,
    "quiet_start" TEXT NOT NULL DEFAULT '',
    "quiet_end" TEXT NOT NULL DEFAULT '',
    "version" INTEGER NOT NULL DEFAULT 1,
    "update_time" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "contact_policy_pkey" PRIMARY KEY ("organisation_path")
);

-- CreateTable
CREATE TABLE "referral" (
    "referral_id" UUID NOT NULL,
    "party_id" UUID NOT NULL,
    "product_id" TEXT NOT NULL,
    "from_staff" TEXT NOT NULL,
    "from_unit" TEXT NOT NULL,
    "to_staff" TEXT NOT NULL,
    "to_unit" TEXT NOT NULL,
    "credit_split" INTEGER NOT NULL,
    "note" TEXT NOT NULL DEFAULT '',
    "organisation_path" TEXT NOT NULL,
    "state" SMALLINT NOT NULL DEFAULT 1,
    "amount_minor" BIGINT,
    "currency" TEXT NOT NULL DEFAULT '',
    "lost_reason" TEXT NOT NULL DEFAULT '',
    "create_time" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "accept_time" TIMESTAMPTZ(3),
    "close_time" TIMESTAMPTZ(3),
    "version" INTEGER NOT NULL DEFAULT 1,

    CONSTRAINT "referral_pkey" PRIMARY KEY ("referral_id")
);

-- CreateIndex
CREATE INDEX "offer_product_id_offer_id_idx" ON "offer"("product_id", "offer_id");

-- CreateIndex
CREATE INDEX "campaign_segment_id_segment_version_state_idx" ON "campaign"("segment_id", "segment_version", "state");

-- CreateIndex
CREATE INDEX "campaign_state_audience_done_idx" ON "campaign"("state", "audience_done");

-- CreateIndex
CREATE INDEX "delivery_due_time_idx" ON "delivery"("due_time");

-- CreateIndex
CREATE INDEX "delivery_campaign_id_delivery_id_idx" ON "delivery"("campaign_id", "delivery_id");

-- CreateIndex
CREATE INDEX "delivery_campaign_id_due_time_idx" ON "delivery"("campaign_id", "due_time");

-- CreateIndex
CREATE UNIQUE INDEX "suppression_party_id_channel_purpose_organisation_path_key" ON "suppression"("party_id", "channel", "purpose", "organisation_path");

-- CreateIndex
CREATE INDEX "referral_party_id_referral_id_idx" ON "referral"("party_id", "referral_id");

-- CreateIndex
CREATE INDEX "referral_from_staff_referral_id_idx" ON "referral"("from_staff", "referral_id");

-- CreateIndex
CREATE INDEX "referral_to_staff_referral_id_idx" ON "referral"("to_staff", "referral_id");

-- Deliveries hold no foreign key to their campaign: it would lock that one row for each of millions of inserts, and
-- campaigns are never removed.
ALTER TABLE "offer" ADD CONSTRAINT "offer_dates_check" CHECK ("end_date" IS NULL OR "start_date" IS NULL OR "start_date" <= "end_date");
ALTER TABLE "campaign" ADD CONSTRAINT "campaign_state_check" CHECK ("state" BETWEEN 1 AND 6);
ALTER TABLE "campaign" ADD CONSTRAINT "campaign_holdout_check" CHECK ("holdout_percent" BETWEEN 0 AND 90);
ALTER TABLE "campaign" ADD CONSTRAINT "campaign_four_eyes_check" CHECK ("approved_by" <> "created_by");
ALTER TABLE "delivery" ADD CONSTRAINT "delivery_state_check" CHECK ("state" IN (1, 2, 3, 4, 5, 6, 8));
-- What is decided for good is never due again, and everything else is: no delivery can be forgotten.
ALTER TABLE "delivery" ADD CONSTRAINT "delivery_due_check" CHECK (("due_time" IS NULL) = ("state" IN (2, 4, 5, 6)));
ALTER TABLE "delivery_decision" ADD CONSTRAINT "delivery_decision_check" CHECK ("decision" BETWEEN 2 AND 6);
ALTER TABLE "suppression" ADD CONSTRAINT "suppression_channel_check" CHECK ("channel" BETWEEN 0 AND 7);
ALTER TABLE "contact_policy" ADD CONSTRAINT "contact_policy_quiet_check" CHECK (("quiet_start" = '') = ("quiet_end" = ''));
ALTER TABLE "referral" ADD CONSTRAINT "referral_state_check" CHECK ("state" BETWEEN 1 AND 4);
ALTER TABLE "referral" ADD CONSTRAINT "referral_staff_check" CHECK ("from_staff" <> "to_staff");
ALTER TABLE "referral" ADD CONSTRAINT "referral_credit_check" CHECK ("credit_split" BETWEEN 0 AND 10000);
ALTER TABLE "referral" ADD CONSTRAINT "referral_amount_check" CHECK (("state" = 3) = ("amount_minor" IS NOT NULL));

-- Decisions are the record of why a customer was or was not written to: they are added, never changed.
CREATE FUNCTION keep_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'decisions are kept as they were made' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER keep_decision BEFORE UPDATE OR DELETE ON "delivery_decision" FOR EACH ROW EXECUTE FUNCTION keep_decision();
CREATE TRIGGER keep_all_decisions BEFORE TRUNCATE ON "delivery_decision" FOR EACH STATEMENT EXECUTE FUNCTION keep_decision();

DO $$
DECLARE
  parent text;
BEGIN
  FOREACH parent IN ARRAY ARRAY['delivery', 'delivery_decision', 'message_slot'] LOOP
    FOR part IN 0..15 LOOP
      EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES WITH (MODULUS 16, REMAINDER %s)',
        parent || '_' || part, parent, part);
      -- Row security of the parent does not guard a partition that is named directly.
      EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', parent || '_' || part);
      EXECUTE format('CREATE POLICY seen ON %I USING (kit.sees(organisation_path, manager))', parent || '_' || part);
    END LOOP;
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', parent);
    EXECUTE format('CREATE POLICY seen ON %I USING (kit.sees(organisation_path, manager))', parent);
  END LOOP;
END
$$;

ALTER TABLE "campaign" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY seen ON "campaign" USING (kit.sees(organisation_path, NULL));
ALTER TABLE "suppression" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY seen ON "suppression" USING (kit.sees(organisation_path, NULL));
ALTER TABLE "referral" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY seen ON "referral" USING (kit.sees(organisation_path, from_staff) OR kit.sees(organisation_path, to_staff));
