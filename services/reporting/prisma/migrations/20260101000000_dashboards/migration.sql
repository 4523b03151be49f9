-- Dashboards: definitions of charts. Their figures are queried with the rights of whoever looks.

CREATE TABLE "dashboard" (
  "dashboard_id" TEXT NOT NULL,
  "title_en" TEXT NOT NULL,
  "title_zh" TEXT NOT NULL DEFAULT '',
  "organisation_path" TEXT NOT NULL,
  "tiles" JSONB NOT NULL,
  "author" TEXT NOT NULL,
  "create_time" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "dashboard_pkey" PRIMARY KEY ("dashboard_id"),
  CONSTRAINT "dashboard_id_form" CHECK ("dashboard_id" ~ '^[a-z0-9][a-z0-9._-]{0,63}$'),
  CONSTRAINT "dashboard_path_form" CHECK ("organisation_path" ~ '^(/|(/[a-z0-9_-]+)+)$'),
  CONSTRAINT "dashboard_tiles_list" CHECK (jsonb_typeof("tiles") = 'array' AND jsonb_array_length("tiles") BETWEEN 1 AND 50)
);

-- What every bank begins with: the whole house on one page.
INSERT INTO "dashboard" ("dashboard_id", "title_en", "title_zh", "organisation_path", "author", "tiles") VALUES (
  'overview', 'Overview', '总览', '/', 'services/reporting', '[
    {"titleEn": "Customers", "titleZh": "客户", "chart": "CHART_KIND_NUMBER", "metrics": ["metrics/parties"], "width": 6},
    {"titleEn": "Transactions", "titleZh": "交易笔数", "chart": "CHART_KIND_NUMBER", "metrics": ["metrics/transactions"], "width": 6},
    {"titleEn": "Cases opened", "titleZh": "新建工单", "chart": "CHART_KIND_NUMBER", "metrics": ["metrics/cases-opened"], "width": 6},
    {"titleEn": "Satisfaction, 1 to 5", "titleZh": "满意度（1–5）", "chart": "CHART_KIND_NUMBER", "metrics": ["metrics/survey-score"], "width": 6},
    {"titleEn": "Transactions by month", "titleZh": "每月交易笔数", "chart": "CHART_KIND_BAR", "metrics": ["metrics/transactions"], "dimensions": ["direction"], "grain": "GRAIN_MONTH"},
    {"titleEn": "Holdings opened", "titleZh": "新开产品", "chart": "CHART_KIND_BAR", "metrics": ["metrics/holdings-opened"], "dimensions": ["holding_kind"], "grain": "GRAIN_YEAR"},
    {"titleEn": "Messages sent", "titleZh": "已发送消息", "chart": "CHART_KIND_LINE", "metrics": ["metrics/messages-sent"], "grain": "GRAIN_DAY", "lastDays": 90},
    {"titleEn": "Why messages were not sent", "titleZh": "未发送原因", "chart": "CHART_KIND_PIE", "metrics": ["metrics/messages-suppressed"], "dimensions": ["reason"]},
    {"titleEn": "Cases closed in time", "titleZh": "按时结案", "chart": "CHART_KIND_TABLE", "metrics": ["metrics/cases-closed", "metrics/cases-in-time", "metrics/case-hours"], "dimensions": ["case_type"]},
    {"titleEn": "Referrals", "titleZh": "转介", "chart": "CHART_KIND_BAR", "metrics": ["metrics/referrals-made", "metrics/referrals-won"], "dimensions": ["product"]}
  ]'
);

-- A dashboard is seen by those who stand above its path, and by those who stand below it.
ALTER TABLE "dashboard" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY seen_above ON "dashboard" USING (kit.sees(organisation_path, NULL));
CREATE POLICY seen_below ON "dashboard" FOR SELECT USING (
  organisation_path = '/' AND coalesce(current_setting('rapport.scope', true), '') || coalesce(current_setting('rapport.branch', true), '') <> ''
  OR starts_with(current_setting('rapport.scope', true), organisation_path || '/')
  OR starts_with(current_setting('rapport.branch', true), organisation_path || '/')
);
