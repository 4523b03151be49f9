import { useQuery } from '@tanstack/react-query';
import { Card, Col, DatePicker, Flex, Row, Segmented, Skeleton, Statistic, Typography } from 'antd';
import dayjs from 'dayjs';
import { lazy, Suspense, useMemo, useState } from 'react';
import { previewChanges } from '../../api/segment-life.js';
import { Failed } from '../../shared/failed.js';
import { dayFromIso, formatCount, formatDay } from '../../shared/format.js';
import { PartyName } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';

const Chart = lazy(() => import('../../shared/chart.js'));

const iso = 'YYYY-MM-DD';
/** The service looks at no more steps at a time. */
const MOST_STEPS = 62;

interface DryRunProps {
  rule: string;
  organisationPath: string;
}

/** Who would have come into the segment and left it between two days, had the rule been in use. */
export function DryRun({ rule, organisationPath }: DryRunProps) {
  const { t, language } = useWords();
  const [from, setFrom] = useState(() => dayjs().subtract(30, 'day').format(iso));
  const [to, setTo] = useState(() => dayjs().format(iso));
  const [chosen, setStep] = useState<'STEP_DAY' | 'STEP_WEEK'>('STEP_DAY');
  const days = dayjs(to).diff(dayjs(from), 'day');
  const step = days > MOST_STEPS ? 'STEP_WEEK' : chosen;
  const { data, error, isFetching, refetch } = useQuery({
    queryKey: ['preview-changes', rule, from, to, step, organisationPath],
    queryFn: ({ signal }) => {
      const [first, last] = [dayFromIso(from), dayFromIso(to)];
      if (!first || !last) throw new Error('two days are chosen always');
      return previewChanges({ rule, from: first, to: last, step, organisationPath }, signal);
    },
    placeholderData: (last) => last,
    staleTime: 60_000,
    retry: false,
  });
  const option = useMemo(() => {
    const steps = data?.steps ?? [];
    return {
      grid: { left: 8, right: 16, top: 36, bottom: 8, containLabel: true },
      legend: { top: 0, left: 0 },
      tooltip: { trigger: 'axis' },
      xAxis: { type: 'category', data: steps.map(({ day }) => formatDay(day, language)) },
      yAxis: [
        { type: 'value', minInterval: 1 },
        { type: 'value', minInterval: 1, splitLine: { show: false }, scale: true },
      ],
      series: [
        {
          type: 'bar',
          stack: 'change',
          name: t('segmentHistory.entered'),
          data: steps.map(({ entered }) => Number(entered)),
        },
        {
          type: 'bar',
          stack: 'change',
          name: t('segmentHistory.exited'),
          data: steps.map(({ exited }) => -Number(exited)),
        },
        {
          type: 'line',
          name: t('segment.members'),
          yAxisIndex: 1,
          showSymbol: false,
          data: steps.map(({ count }) => Number(count)),
        },
      ],
    };
  }, [data, language, t]);
  const sum = (values: (string | undefined)[]) =>
    formatCount(
      values.reduce((total, value) => total + Number(value ?? 0), 0),
      language,
    );
  return (
    <Card size="small" title={t('dryRun.title')}>
      <Typography.Paragraph type="secondary">{t('dryRun.note')}</Typography.Paragraph>
      <Flex gap={12} wrap style={{ marginBottom: 16 }}>
        <DatePicker.RangePicker
          aria-label={t('dryRun.period')}
          allowClear={false}
          value={[dayjs(from), dayjs(to)]}
          presets={[7, 30, 60, 365].map((count) => ({
            label: t('segmentHistory.days', { days: count }),
            value: [dayjs().subtract(count, 'day'), dayjs()],
          }))}
          onChange={(range) => {
            const [first, last] = range ?? [];
            if (first) setFrom(first.format(iso));
            if (last) setTo(last.format(iso));
          }}
        />
        <Segmented
          value={step}
          options={[
            { value: 'STEP_DAY' as const, label: t('dryRun.days'), disabled: days > MOST_STEPS },
            { value: 'STEP_WEEK' as const, label: t('dryRun.weeks') },
          ]}
          onChange={setStep}
        />
      </Flex>
      {error ? <Failed error={error} retry={() => void refetch()} /> : null}
      {!data && !error ? <Skeleton active /> : null}
      {data && !error ? (
        <Flex vertical gap={16} style={{ opacity: isFetching ? 0.5 : 1 }} data-testid="dry-run">
          <Row gutter={16}>
            {[
              [t('dryRun.before'), formatCount(data.steps[0]?.count ?? '0', language)],
              [t('segmentHistory.entered'), sum(data.steps.map(({ entered }) => entered))],
              [t('segmentHistory.exited'), sum(data.steps.map(({ exited }) => exited))],
              [t('dryRun.after'), formatCount(data.steps.at(-1)?.count ?? '0', language)],
            ].map(([title = '', value = '']) => (
              <Col key={title} xs={12} md={6}>
                <Statistic title={title} value={value} />
              </Col>
            ))}
          </Row>
          <Suspense fallback={<Skeleton active />}>
            <Chart option={option} height={260} name={t('dryRun.title')} />
          </Suspense>
          <Flex gap={48} wrap>
            {(
              [
                [t('versions.someEntering'), data.enteredSample],
                [t('versions.someLeaving'), data.exitedSample],
              ] as const
            )
              .filter(([, sample]) => sample.length > 0)
              .map(([title, sample]) => (
                <div key={title}>
                  <Typography.Text strong>{title}</Typography.Text>
                  <ul style={{ margin: '4px 0 0', paddingInlineStart: 18 }}>
                    {sample.map((party) => (
                      <li key={party}>
                        <PartyName name={party} />
                      </li>
                    ))}
                  </ul>
                </div>
              ))}
          </Flex>
        </Flex>
      ) : null}
    </Card>
  );
}
