import { useQuery } from '@tanstack/react-query';
import { Card, Col, Empty, Flex, Row, Select, Skeleton, Spin, Typography } from 'antd';
import { lazy, Suspense, useMemo, useState } from 'react';
import { type Distribution, type DistributionCell, describeRule } from '../../api/insight.js';
import type { Attribute } from '../../api/segmentation.js';
import { beginning } from '../../rule/attributes.js';
import { describeOperand } from '../../rule/describe-rule.js';
import { readCel } from '../../rule/read-cel.js';
import { isTree } from '../../rule/tree.js';
import { writeOperand } from '../../rule/write-cel.js';
import { Failed } from '../../shared/failed.js';
import { dayFromIso, formatCount, formatNumber } from '../../shared/format.js';
import { useCatalogue, useNaming } from '../../shared/use-catalogue.js';
import { useLater } from '../../shared/use-later.js';
import { useWords } from '../../shared/words.js';

const Chart = lazy(() => import('../../shared/chart.js'));

const describeAfterMs = 900;
const usual = ['party.age', 'party.sex', 'party.region', 'holdings.balance', 'holdings.count()'];
/** So many times as frequent as among all is worth a word. */
const REMARKABLE = 1.25;
const ENOUGH = 20;

/** An attribute with the arguments that a new line of the builder begins with. */
const operandOf = (attribute: Attribute): string =>
  writeOperand({ field: attribute.key, operator: '==', value: beginning(attribute) });

/** What a cell is called. */
function useCellName(): (cell: DistributionCell, attribute: Attribute | undefined) => string {
  const { t, code, language } = useWords();
  const number = (value: number) => formatNumber(value, language, 2);
  return ({ value, from, to, missing, rest }, attribute) => {
    if (missing) return t('insight.missing');
    if (rest) return t('insight.rest');
    if (value) return code(value);
    const whole = attribute?.type === 'ATTRIBUTE_TYPE_INT';
    if (from === undefined) return t('insight.below', { to: number(to ?? 0) });
    if (to === undefined) return t('insight.from', { from: number(from) });
    if (whole && to - from === 1) return number(from);
    return t('insight.band', { from: number(from), to: number(whole ? to - 1 : to) });
  };
}

interface OneProps {
  distribution: Distribution;
  count: number;
  population: number;
}

/** One distribution: the rule's customers beside all. */
function One({ distribution, count, population }: OneProps) {
  const { t, language } = useWords();
  const { naming, byKey } = useNaming();
  const cellName = useCellName();
  const tree = readCel(distribution.attribute);
  const leaf = tree?.rules[0];
  const attribute = leaf && !isTree(leaf) ? byKey.get(leaf.field) : undefined;
  const title = leaf && !isTree(leaf) && attribute ? describeOperand(leaf, byKey, naming) : distribution.description;
  const empty = (cell: DistributionCell) => !cell.hidden && cell.count === '0' && cell.population === '0';
  // Bands at the ends that nobody is in say nothing.
  const cells = useMemo(() => {
    const first = distribution.cells.findIndex((cell) => !empty(cell));
    const last = distribution.cells.findLastIndex((cell) => !empty(cell));
    return first < 0 ? [] : distribution.cells.slice(first, last + 1).filter((cell) => !empty(cell) || !cell.missing);
  }, [distribution]);
  const names = cells.map((cell) => cellName(cell, attribute));
  const share = (value: string, of: number) => (of > 0 ? (100 * Number(value)) / of : 0);
  const option = useMemo(() => {
    const sideways = attribute?.type === 'ATTRIBUTE_TYPE_STRING' && cells.length > 4;
    const category = {
      type: 'category',
      data: names,
      inverse: sideways,
      axisLabel: { interval: 0, hideOverlap: true },
    };
    const value = { type: 'value', axisLabel: { formatter: '{value} %' } };
    return {
      grid: { left: 8, right: 16, top: 32, bottom: 4, containLabel: true },
      legend: { top: 0, left: 0, itemHeight: 10 },
      tooltip: {
        trigger: 'axis',
        axisPointer: { type: 'shadow' },
        formatter: (points: { dataIndex: number }[]) => {
          const cell = cells[points[0]?.dataIndex ?? 0];
          if (!cell) return '';
          if (cell.hidden) return t('insight.hidden');
          return t('insight.tooltip', {
            name: cellName(cell, attribute),
            count: formatCount(cell.count, language),
            share: formatNumber(share(cell.count, count), language, 1),
            all: formatNumber(share(cell.population, population), language, 1),
          });
        },
      },
      [sideways ? 'yAxis' : 'xAxis']: category,
      [sideways ? 'xAxis' : 'yAxis']: value,
      series: [
        { type: 'bar', name: t('insight.rule'), barMaxWidth: 22, data: cells.map((cell) => share(cell.count, count)) },
        {
          type: 'bar',
          name: t('insight.all'),
          barMaxWidth: 22,
          itemStyle: { color: '#cbd5d5' },
          data: cells.map((cell) => share(cell.population, population)),
        },
      ],
    };
  }, [cells, names.join(), attribute?.type, count, population, language, t]);
  const striking = cells
    .map((cell, index) => ({
      name: names[index] ?? '',
      times: share(cell.count, count) / (share(cell.population, population) || Infinity),
      enough: Number(cell.count) >= Math.min(ENOUGH, count / 10),
    }))
    .filter(({ times, enough }) => times >= REMARKABLE && enough)
    .sort((a, b) => b.times - a.times)[0];
  const height = attribute?.type === 'ATTRIBUTE_TYPE_STRING' && cells.length > 4 ? 60 + cells.length * 26 : 220;
  return (
    <Card size="small" title={<h3 style={{ fontSize: 14, margin: 0, whiteSpace: 'normal' }}>{title}</h3>}>
      {cells.length === 0 ? (
        <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('insight.nobody')} />
      ) : (
        <>
          <Suspense fallback={<Skeleton active />}>
            <Chart option={option} height={Math.min(height, 420)} name={title} />
          </Suspense>
          <Typography.Text type="secondary">
            {striking
              ? t('insight.striking', { name: striking.name, times: formatNumber(striking.times, language, 1) })
              : t('insight.likeAll')}
          </Typography.Text>
          {cells.some((cell) => cell.hidden) ? (
            <Typography.Paragraph type="secondary" style={{ margin: 0 }}>
              {t('insight.someHidden')}
            </Typography.Paragraph>
          ) : null}
        </>
      )}
    </Card>
  );
}

interface DistributionsProps {
  rule: string;
  /** `1994-03-31`, or empty for today. */
  asOf: string;
  organisationPath: string;
}

/** What a rule's customers are like, attribute by attribute, beside all customers. */
export function Distributions({ rule, asOf, organisationPath }: DistributionsProps) {
  const { t } = useWords();
  const { attributes, titleOf } = useCatalogue();
  const [chosen, setChosen] = useState<string[]>(usual);
  const later = useLater(rule, describeAfterMs);
  const { data, error, isFetching, refetch } = useQuery({
    queryKey: ['describe-rule', later, asOf, organisationPath, chosen],
    queryFn: ({ signal }) => describeRule({ rule: later, asOf: dayFromIso(asOf), organisationPath }, chosen, signal),
    enabled: later.trim() !== '' && chosen.length > 0,
    placeholderData: (last) => last,
    staleTime: 30_000,
    retry: false,
  });
  const offered = useMemo(() => {
    const others = attributes
      .filter((attribute) => attribute.arguments.every(({ optional, type }) => optional || type.endsWith('DURATION')))
      .filter(({ type }) => type !== 'ATTRIBUTE_TYPE_DATE')
      .map(operandOf);
    return [...new Set([...usual, ...others])].map((operand) => ({
      value: operand,
      label: titleOf(operand.replace(/\(.*$/s, '')),
    }));
  }, [attributes, titleOf]);
  if (rule.trim() === '') return <Empty description={t('preview.empty')} />;
  return (
    <Flex vertical gap={12}>
      <Flex align="center" gap={12} wrap>
        <Select
          mode="multiple"
          maxCount={12}
          value={chosen}
          options={offered}
          aria-label={t('insight.choose')}
          placeholder={t('insight.choose')}
          showSearch={{ optionFilterProp: 'label' }}
          style={{ minWidth: 320, flex: 1 }}
          onChange={(next: string[]) => setChosen(next)}
        />
        {isFetching || later !== rule ? <Spin size="small" /> : null}
      </Flex>
      {error ? <Failed error={error} retry={() => void refetch()} /> : null}
      {!data && !error && chosen.length > 0 ? <Skeleton active /> : null}
      {data && !error ? (
        <Row gutter={[12, 12]} style={{ opacity: isFetching ? 0.5 : 1 }}>
          {data.distributions.map((one) => (
            <Col key={one.attribute} xs={24} lg={12}>
              <One distribution={one} count={Number(data.count)} population={Number(data.population)} />
            </Col>
          ))}
        </Row>
      ) : null}
    </Flex>
  );
}
