import { Card, Col, Flex, Progress, Row, Statistic, Typography } from 'antd';
import { lazy, Suspense, useMemo } from 'react';
import type { CampaignSummary } from '../../api/marketing.js';
import { formatCount } from '../../shared/format.js';
import { AsOf } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';

const Chart = lazy(() => import('../../shared/chart.js'));

const colours = {
  sent: '#15803d',
  held: '#d97706',
  suppressed: '#dc2626',
  holdout: '#7c3aed',
  failed: '#9a3412',
  pending: '#94a3b8',
};

interface SummaryProps {
  summary: CampaignSummary;
  onChoose: (decision: string, reason: string) => void;
}

/** How far it is, and a bar for each reason why something was sent or not. */
export function Summary({ summary, onChoose }: SummaryProps) {
  const { t, label, language } = useWords();
  const { audience, pending, sent, holdout, held, suppressed, failed } = summary;
  const total = Number(audience);
  const done = total > 0 ? Math.round(((total - Number(pending)) / total) * 100) : 0;
  const bars = useMemo(
    () =>
      [
        {
          decision: 'DELIVERY_DECISION_SENT',
          reason: 'DELIVERY_REASON_ALL_CHECKS_PASSED',
          count: sent,
          colour: colours.sent,
        },
        ...held.map((one) => ({ ...one, decision: 'DELIVERY_DECISION_HELD', colour: colours.held })),
        ...suppressed.map((one) => ({ ...one, decision: 'DELIVERY_DECISION_SUPPRESSED', colour: colours.suppressed })),
        {
          decision: 'DELIVERY_DECISION_HOLDOUT',
          reason: 'DELIVERY_REASON_HOLDOUT',
          count: holdout,
          colour: colours.holdout,
        },
        ...failed.map((one) => ({ ...one, decision: 'DELIVERY_DECISION_FAILED', colour: colours.failed })),
        {
          decision: 'DELIVERY_DECISION_PENDING',
          reason: 'DELIVERY_REASON_QUEUED',
          count: pending,
          colour: colours.pending,
        },
      ].filter(({ count }) => Number(count) > 0),
    [sent, held, suppressed, holdout, failed, pending],
  );
  const option = useMemo(
    () => ({
      grid: { left: 8, right: 56, top: 8, bottom: 8, containLabel: true },
      tooltip: { trigger: 'item' },
      xAxis: { type: 'value', minInterval: 1 },
      yAxis: {
        type: 'category',
        inverse: true,
        data: bars.map(({ decision, reason }) =>
          decision === 'DELIVERY_DECISION_SENT' ? label(decision) : `${label(decision)}: ${label(reason)}`,
        ),
      },
      series: [
        {
          type: 'bar',
          barMaxWidth: 22,
          label: { show: true, position: 'right' },
          data: bars.map(({ count, colour }) => ({ value: Number(count), itemStyle: { color: colour } })),
        },
      ],
    }),
    [bars, label],
  );
  const figures = [
    ['DELIVERY_DECISION_SENT', sent],
    ['DELIVERY_DECISION_HELD', String(held.reduce((sum, { count }) => sum + Number(count), 0))],
    ['DELIVERY_DECISION_SUPPRESSED', String(suppressed.reduce((sum, { count }) => sum + Number(count), 0))],
    ['DELIVERY_DECISION_HOLDOUT', holdout],
    ['DELIVERY_DECISION_FAILED', String(failed.reduce((sum, { count }) => sum + Number(count), 0))],
  ] as const;
  return (
    <Card size="small" title={t('campaign.progress')} extra={<AsOf time={summary.asOf} />}>
      <Row gutter={[24, 16]}>
        <Col xs={24} lg={9}>
          <Flex vertical gap={16}>
            <Progress percent={done} status={done < 100 ? 'active' : 'success'} aria-label={t('campaign.progress')} />
            <Flex gap={24} wrap>
              <Statistic title={t('campaign.audience')} value={formatCount(audience, language)} />
              {figures.map(([decision, count]) => (
                <Statistic key={decision} title={label(decision)} value={formatCount(count, language)} />
              ))}
            </Flex>
          </Flex>
        </Col>
        <Col xs={24} lg={15}>
          <Suspense fallback={null}>
            <Chart option={option} height={Math.max(120, bars.length * 34 + 40)} name={t('campaign.reasons')} />
          </Suspense>
          <Flex gap={8} wrap>
            {bars.map(({ decision, reason, count }) => (
              <Typography.Link
                key={`${decision} ${reason}`}
                role="button"
                tabIndex={0}
                onClick={() => onChoose(decision, reason)}
              >
                {label(reason)} ({formatCount(count, language)})
              </Typography.Link>
            ))}
          </Flex>
        </Col>
      </Row>
    </Card>
  );
}
