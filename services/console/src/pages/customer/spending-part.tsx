import { useQuery } from '@tanstack/react-query';
import { Button, Flex, Select, Spin, Typography } from 'antd';
import { lazy, Suspense, useMemo, useState } from 'react';
import { getSpending, type Spending } from '../../api/spending.js';
import type { ChartOption } from '../../shared/chart.js';
import { decimalText, formatDay, formatMoney, isoDay } from '../../shared/format.js';
import { useWords } from '../../shared/words.js';
import { Part } from './part.js';

const Chart = lazy(() => import('../../shared/chart.js'));
const MONTHS = 12;

/** `YYYY-MM-01`, so many months after the month of a day. */
function monthAfter(day: string, months: number): string {
  const [year = 1970, month = 1] = day.split('-').map(Number);
  return new Date(Date.UTC(year, month - 1 + months, 1)).toISOString().slice(0, 10);
}

/** Bars of the months, one colour for each category, in the units of one currency. */
function chartOf(spending: Spending[], months: string[], currency: string, words: Words): ChartOption {
  const categories = [...new Set(spending.map(({ category }) => category))];
  const digits = new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits;
  const dayOf = (month: string) => {
    const [year = 0, number = 0] = month.split('-').map(Number);
    return formatDay({ year, month: number, day: 0 }, words.language);
  };
  return {
    grid: { left: 8, right: 8, top: 36, bottom: 8, containLabel: true },
    legend: { type: 'scroll', top: 0 },
    tooltip: { trigger: 'axis', axisPointer: { type: 'shadow' } },
    xAxis: { type: 'category', data: months.map(dayOf) },
    yAxis: { type: 'value' },
    series: categories.map((category) => ({
      name: category ? words.code(category) : words.unknown,
      type: 'bar',
      stack: 'spending',
      data: months.map((month) => {
        const found = spending.find((one) => one.category === category && one.month && isoDay(one.month) === month);
        return found?.amount ? Number(decimalText(found.amount.minorUnits, digits ?? 2)) : 0;
      }),
    })),
  };
}

interface Words {
  language: 'en' | 'zh';
  code: (value: string) => string;
  unknown: string;
}

/** What the customer spends on, month by month, as a chart and in figures. `until` is the day after the last month. */
export function SpendingPart({ id, until }: { id: string; until: string }) {
  const { t, code, language } = useWords();
  const [back, setBack] = useState(0);
  const [chosen, setChosen] = useState('');
  const end = monthAfter(until, -back * MONTHS);
  const start = monthAfter(end, -MONTHS);
  const { data, error, isPending, refetch, dataUpdatedAt } = useQuery({
    queryKey: ['party', id, 'spending', start],
    queryFn: ({ signal }) => getSpending(id, start, end, signal),
  });
  const all = data?.spending ?? [];
  const currencies = [...new Set(all.map(({ amount }) => amount?.currencyCode ?? ''))];
  const currency = currencies.includes(chosen) ? chosen : (currencies[0] ?? '');
  const unknown = t('spending.unknown');
  const spending = useMemo(
    () => (data?.spending ?? []).filter(({ amount }) => amount?.currencyCode === currency),
    [data, currency],
  );
  const option = useMemo(() => {
    const months = Array.from({ length: MONTHS }, (_, index) => monthAfter(start, index));
    return currency ? chartOf(spending, months, currency, { language, code, unknown }) : {};
    // eslint-disable-next-line react-hooks/exhaustive-deps -- `code` follows from the language
  }, [spending, start, currency, language, unknown]);
  const totals = new Map<string, bigint>();
  for (const { category, amount } of spending) {
    totals.set(category, (totals.get(category) ?? 0n) + BigInt(amount?.minorUnits ?? '0'));
  }
  const sorted = [...totals].sort(([, one], [, other]) => (one < other ? 1 : one > other ? -1 : 0));
  return (
    <Part
      title={t('spending.title')}
      asOf={dataUpdatedAt ? new Date(dataUpdatedAt).toISOString() : undefined}
      action={
        <Flex gap={8}>
          {currencies.length > 1 ? (
            <Select
              size="small"
              aria-label={t('goal.currency')}
              value={currency}
              options={currencies.map((value) => ({ value, label: value }))}
              onChange={setChosen}
            />
          ) : null}
          <Button size="small" onClick={() => setBack(back + 1)}>
            {t('spending.earlier')}
          </Button>
          <Button size="small" disabled={back === 0} onClick={() => setBack(back - 1)}>
            {t('spending.later')}
          </Button>
        </Flex>
      }
      loading={isPending}
      error={error}
      retry={() => void refetch()}
      empty={all.length === 0 ? t('spending.none', { start, end }) : undefined}
    >
      <Suspense fallback={<Spin />}>
        <Chart option={option} height={240} name={t('spending.title')} />
      </Suspense>
      <Flex gap={16} wrap style={{ marginTop: 8 }}>
        {sorted.map(([category, minorUnits]) => (
          <span key={category} data-testid="category">
            {category ? code(category) : unknown}{' '}
            <Typography.Text strong>
              {formatMoney({ minorUnits: String(minorUnits), currencyCode: currency }, language)}
            </Typography.Text>
          </span>
        ))}
      </Flex>
    </Part>
  );
}
