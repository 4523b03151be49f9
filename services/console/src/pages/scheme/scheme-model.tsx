import { Card, Col, Descriptions, Flex, Row, Skeleton, Statistic, Table, Typography } from 'antd';
import { lazy, Suspense, useMemo } from 'react';
import type { ClusterModel, GroupTitle, SchemeModel } from '../../api/schemes.js';
import { describeOperand } from '../../rule/describe-rule.js';
import { readCel } from '../../rule/read-cel.js';
import { isTree } from '../../rule/tree.js';
import { formatCount, formatNumber } from '../../shared/format.js';
import { useNaming } from '../../shared/use-catalogue.js';
import { useWords } from '../../shared/words.js';
import { useGroupTitle } from './group-title.js';

const Chart = lazy(() => import('../../shared/chart.js'));

/** Says a value as rules write it in the reader's language. */
function useValueWords(): (text: string) => string {
  const { naming, byKey } = useNaming();
  return (text) => {
    const leaf = readCel(text)?.rules[0];
    return leaf && !isTree(leaf) && byKey.has(leaf.field) ? describeOperand(leaf, byKey, naming) : text;
  };
}

/** How well each number of clusters would fit: the silhouette, and what is left unexplained. */
function Choices({ choices, chosen }: { choices: ClusterModel['choices']; chosen: number }) {
  const { t } = useWords();
  const round = (value: number) => Math.round(value * 1000) / 1000;
  const option = {
    grid: { left: 8, right: 16, top: 36, bottom: 8, containLabel: true },
    legend: { top: 0, left: 0 },
    tooltip: { trigger: 'axis' },
    xAxis: { type: 'category', data: choices.map(({ clusters }) => String(clusters)) },
    yAxis: [
      { type: 'value', scale: true },
      { type: 'value', splitLine: { show: false } },
    ],
    series: [
      {
        type: 'bar',
        name: t('scheme.silhouette'),
        barMaxWidth: 28,
        data: choices.map(({ clusters, silhouette }) => ({
          value: round(silhouette),
          itemStyle: { opacity: clusters === chosen ? 1 : 0.4 },
        })),
      },
      {
        type: 'line',
        name: t('scheme.inertia'),
        yAxisIndex: 1,
        data: choices.map(({ inertia }) => round(inertia)),
      },
    ],
  };
  return (
    <Flex vertical gap={4}>
      <Typography.Text type="secondary">{t('scheme.choicesHint')}</Typography.Text>
      <Suspense fallback={<Skeleton active />}>
        <Chart option={option} height={220} name={t('scheme.choices')} />
      </Suspense>
    </Flex>
  );
}

interface ClustersProps {
  model: ClusterModel;
  titles: ReadonlyMap<string, GroupTitle>;
}

/** Each cluster in words, and how far each of its numbers lies from the mean of all. */
function Clusters({ model, titles }: ClustersProps) {
  const { t, language } = useWords();
  const titleOf = useGroupTitle();
  const say = useValueWords();
  const option = useMemo(() => {
    const features = model.features.map(({ feature }) => say(feature));
    return {
      grid: { left: 8, right: 16, top: 36, bottom: 8, containLabel: true },
      legend: { type: 'scroll', top: 0, left: 0 },
      tooltip: { trigger: 'axis', axisPointer: { type: 'shadow' } },
      xAxis: { type: 'value', name: t('scheme.deviations'), nameLocation: 'middle', nameGap: 24 },
      yAxis: { type: 'category', data: features, inverse: true, axisLabel: { width: 180, overflow: 'truncate' } },
      series: model.clusters.map(({ groupId, centre }) => ({
        type: 'bar',
        name: titleOf(titles.get(groupId)) || groupId,
        data: centre.map((value) => Math.round(value * 100) / 100),
      })),
    };
  }, [model, titles, say, t]);
  return (
    <Flex vertical gap={16}>
      <Row gutter={16}>
        {[
          [t('scheme.silhouette'), formatNumber(model.silhouette, language, 2)],
          [t('scheme.fittedOn'), formatCount(model.parties, language)],
          ...(model.kept > 0 ? [[t('scheme.kept'), `${formatNumber(100 * model.kept, language, 0)} %`]] : []),
        ].map(([title = '', value = '']) => (
          <Col key={title} xs={12} md={6}>
            <Statistic title={title} value={value} />
          </Col>
        ))}
      </Row>
      {model.choices.length > 0 ? <Choices choices={model.choices} chosen={model.clusters.length} /> : null}
      <Row gutter={[12, 12]}>
        {model.clusters.map(({ groupId, share, profile, profileZh }) => (
          <Col key={groupId} xs={24} md={12}>
            <Card
              size="small"
              title={titleOf(titles.get(groupId)) || groupId}
              extra={`${formatNumber(100 * share, language, 1)} %`}
            >
              {language === 'zh' ? profileZh || profile : profile}
            </Card>
          </Col>
        ))}
      </Row>
      <Suspense fallback={<Skeleton active />}>
        <Chart
          option={option}
          height={100 + model.features.length * (16 * model.clusters.length + 16)}
          name={t('scheme.profiles')}
        />
      </Suspense>
      <Table
        size="small"
        rowKey="groupId"
        pagination={false}
        scroll={{ x: 'max-content' }}
        dataSource={model.clusters}
        columns={[
          { title: t('scheme.group'), render: (_, { groupId }) => titleOf(titles.get(groupId)) || groupId },
          ...model.features.map(({ feature }, index) => ({
            title: say(feature),
            align: 'right' as const,
            render: (_: unknown, { means }: { means: number[] }) => formatNumber(means[index] ?? 0, language, 1),
          })),
        ]}
      />
    </Flex>
  );
}

/** What was computed for a version: fifths, clusters, or what tells the seed from the others. */
export function Model({ model, groups }: { model: SchemeModel; groups: readonly GroupTitle[] }) {
  const { t, language } = useWords();
  const say = useValueWords();
  const titles = useMemo(() => new Map(groups.map((group) => [group.groupId, group])), [groups]);
  const { rfm, clusters, lookalike } = model;
  const percent = (share: number) => `${formatNumber(100 * share, language, 1)} %`;
  const cuts = (values: readonly number[]) => values.map((value) => formatNumber(value, language, 1)).join(' · ');
  return (
    <Card size="small" title={t('scheme.model')}>
      {clusters ? <Clusters model={clusters} titles={titles} /> : null}
      {rfm ? (
        <Descriptions
          size="small"
          column={1}
          items={[
            { key: 'r', label: t('scheme.recency'), children: cuts(rfm.recencyCuts) },
            { key: 'f', label: t('scheme.frequency'), children: cuts(rfm.frequencyCuts) },
            { key: 'm', label: t('scheme.monetary'), children: cuts(rfm.monetaryCuts) },
            { key: 'n', label: t('scheme.fittedOn'), children: formatCount(rfm.parties, language) },
          ]}
        />
      ) : null}
      {lookalike ? (
        <Flex vertical gap={16}>
          <Row gutter={16}>
            {[
              [t('scheme.auc'), formatNumber(lookalike.auc, language, 3)],
              [t('scheme.lift'), formatNumber(lookalike.lift, language, 1)],
              [t('scheme.seedParties'), formatCount(lookalike.seedParties, language)],
              [t('scheme.otherParties'), formatCount(lookalike.otherParties, language)],
            ].map(([title = '', value = '']) => (
              <Col key={title} xs={12} md={6}>
                <Statistic title={title} value={value} />
              </Col>
            ))}
          </Row>
          <Typography.Text type="secondary">{t('scheme.aucHint')}</Typography.Text>
          {lookalike.cuts.length > 0 ? (
            <Table
              size="small"
              rowKey="share"
              pagination={false}
              dataSource={lookalike.cuts}
              title={() => t('scheme.expect')}
              columns={[
                { title: t('scheme.taken'), render: (_, { share }) => percent(share) },
                {
                  title: t('scheme.scoreFrom'),
                  align: 'right',
                  render: (_, { score }) => formatNumber(score, language, 3),
                },
                { title: t('scheme.precision'), align: 'right', render: (_, { precision }) => percent(precision) },
                { title: t('scheme.recall'), align: 'right', render: (_, { recall }) => percent(recall) },
              ]}
            />
          ) : null}
          <Suspense fallback={<Skeleton active />}>
            <Chart
              height={60 + 28 * lookalike.features.length}
              name={t('scheme.importance')}
              option={{
                grid: { left: 8, right: 16, top: 8, bottom: 8, containLabel: true },
                tooltip: { trigger: 'axis' },
                xAxis: { type: 'value', axisLabel: { formatter: '{value} %' } },
                yAxis: {
                  type: 'category',
                  inverse: true,
                  data: lookalike.features.map(({ feature }) => say(feature)),
                  axisLabel: { width: 200, overflow: 'truncate' },
                },
                series: [
                  {
                    type: 'bar',
                    name: t('scheme.importance'),
                    barMaxWidth: 18,
                    data: lookalike.features.map(({ importance }) => Math.round(importance * 1000) / 10),
                  },
                ],
              }}
            />
          </Suspense>
        </Flex>
      ) : null}
    </Card>
  );
}
