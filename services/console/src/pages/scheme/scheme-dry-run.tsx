import { useMutation } from '@tanstack/react-query';
import { Button, Card, DatePicker, Empty, Flex, Popconfirm, Select, Skeleton, Table, Typography } from 'antd';
import dayjs from 'dayjs';
import { lazy, Suspense, useMemo, useState } from 'react';
import { fillInScheme, type GroupTitle, previewScheme, type SchemePreview } from '../../api/schemes.js';
import { Failed } from '../../shared/failed.js';
import { dayFromIso, formatCount, formatDay } from '../../shared/format.js';
import { useSession } from '../../shared/session-context.js';
import { PartyName } from '../../shared/show.js';
import { useWrite } from '../../shared/use-write.js';
import { useWords } from '../../shared/words.js';
import { useGroupTitle } from './group-title.js';

const Chart = lazy(() => import('../../shared/chart.js'));

const colours = ['#0f766e', '#c2410c', '#4338ca', '#b45309', '#be185d', '#0369a1', '#4d7c0f', '#7c3aed'];

/** The names of the groups of a dry run, and of being in none. */
function useGroupNames(groups: readonly { group: GroupTitle }[]): (id: string) => string {
  const { t } = useWords();
  const titleOf = useGroupTitle();
  return (id) => (id === '' ? t('flows.none') : titleOf(groups.find(({ group }) => group.groupId === id)?.group) || id);
}

/** From which group to which customers would go. */
function Moves({ preview }: { preview: SchemePreview }) {
  const { t, language } = useWords();
  const nameOf = useGroupNames(preview.groups);
  const option = useMemo(() => {
    const ids = preview.groups.map(({ group }) => group.groupId);
    const colourOf = (id: string) => (id ? colours[ids.indexOf(id) % colours.length] : '#94a3a3');
    // The same group stands on both sides, so that its names there are told apart.
    const nodes = [...new Set(preview.moves.flatMap(({ fromGroup, toGroup }) => [`a${fromGroup}`, `b${toGroup}`]))];
    return {
      tooltip: { trigger: 'item' },
      series: [
        {
          type: 'sankey',
          nodeAlign: 'justify',
          layoutIterations: 0,
          lineStyle: { color: 'gradient', opacity: 0.45 },
          label: { formatter: ({ name }: { name: string }) => nameOf(name.slice(1)) },
          data: nodes.map((name) => ({
            name,
            depth: name.startsWith('a') ? 0 : 1,
            itemStyle: { color: colourOf(name.slice(1)) },
          })),
          links: preview.moves.map(({ fromGroup, toGroup, parties }) => ({
            source: `a${fromGroup}`,
            target: `b${toGroup}`,
            value: Number(parties),
          })),
        },
      ],
    };
  }, [preview, nameOf]);
  if (preview.moves.length === 0) return <Empty description={t('schemeRun.nobody')} />;
  return (
    <Suspense fallback={<Skeleton active />}>
      <Chart option={option} height={Math.max(220, 44 * preview.groups.length)} name={t('schemeRun.moves')} />
      <Table
        size="small"
        rowKey={({ fromGroup, toGroup }) => `${fromGroup} ${toGroup}`}
        dataSource={preview.moves}
        pagination={preview.moves.length > 20 ? { pageSize: 20, size: 'small' } : false}
        columns={[
          { title: t('flows.source'), render: (_, { fromGroup }) => nameOf(fromGroup) },
          { title: t('flows.target'), render: (_, { toGroup }) => nameOf(toGroup) },
          {
            title: t('preview.customers'),
            align: 'right',
            render: (_, { parties }) => formatCount(parties, language),
          },
        ]}
      />
    </Suspense>
  );
}

function Result({ preview }: { preview: SchemePreview }) {
  const { t, language } = useWords();
  const titleOf = useGroupTitle();
  const nameOf = useGroupNames(preview.groups);
  const signed = (value: number) => `${value > 0 ? '+' : ''}${formatCount(value, language)}`;
  return (
    <Flex vertical gap={16} data-testid="scheme-dry-run">
      <Typography.Text type="secondary">
        {t('schemeRun.against', { day: preview.asOf ? formatDay(preview.asOf, language) : '' })}
      </Typography.Text>
      <Table
        size="small"
        rowKey={({ group }) => group.groupId}
        dataSource={preview.groups}
        pagination={false}
        columns={[
          { title: t('scheme.group'), render: (_, { group }) => titleOf(group) },
          {
            title: t('schemeRun.would'),
            align: 'right',
            render: (_, { parties }) => formatCount(parties, language),
          },
          {
            title: t('schemeRun.inForce'),
            align: 'right',
            render: (_, { before }) => formatCount(before, language),
          },
          {
            title: t('schemeRun.difference'),
            align: 'right',
            render: (_, { parties, before }) => signed(Number(parties) - Number(before)),
          },
        ]}
      />
      <Moves preview={preview} />
      {preview.sample.length > 0 ? (
        <Table
          size="small"
          rowKey="party"
          dataSource={preview.sample}
          pagination={false}
          title={() => t('schemeRun.sample')}
          columns={[
            { title: t('schemeRun.customer'), render: (_, { party }) => <PartyName name={party} /> },
            { title: t('flows.source'), render: (_, { fromGroup }) => nameOf(fromGroup) },
            { title: t('flows.target'), render: (_, { toGroup }) => nameOf(toGroup) },
          ]}
        />
      ) : null}
    </Flex>
  );
}

interface DryRunProps {
  id: string;
  kind: string;
  /** The versions to choose from, the newest first. */
  versions: readonly { name: string; version: number; state: string }[];
}

/** What a run of a version would find on a day, without a trace of it; and history filled in where there is none yet. */
export function SchemeDryRun({ id, kind, versions }: DryRunProps) {
  const { t, label } = useWords();
  const { may } = useSession();
  const [chosen, setChosen] = useState(versions[0]?.name ?? '');
  const [day, setDay] = useState('');
  const asOf = dayFromIso(day);
  const run = useMutation({ mutationFn: () => previewScheme(chosen, asOf) });
  const fill = useWrite(fillInScheme, { done: t('schemeRun.filling'), reload: [['scheme-runs', id]] });
  const used = versions.find(({ name }) => name === chosen)?.state === 'SEGMENT_STATE_PUBLISHED';
  return (
    <Card size="small" title={t('schemeRun.title')}>
      <Typography.Paragraph type="secondary">{t('schemeRun.note')}</Typography.Paragraph>
      <Flex gap={12} wrap style={{ marginBottom: 16 }}>
        <Select
          aria-label={t('segment.version')}
          value={chosen}
          style={{ minWidth: 220 }}
          options={versions.map(({ name, version, state }) => ({
            value: name,
            label: `${t('segment.version')} ${version} · ${label(state)}`,
          }))}
          onChange={setChosen}
        />
        <DatePicker
          aria-label={t('schemeRun.day')}
          value={day ? dayjs(day) : null}
          placeholder={t('schemeRun.today')}
          maxDate={dayjs()}
          onChange={(next) => setDay(next?.format('YYYY-MM-DD') ?? '')}
        />
        <Button type="primary" loading={run.isPending} onClick={() => run.mutate()}>
          {t('schemeRun.run')}
        </Button>
        {may('editSegments') && used && asOf && kind !== 'SCHEME_KIND_PARTITION' ? (
          <Popconfirm
            title={t('schemeRun.fillQuestion')}
            okText={t('common.yes')}
            cancelText={t('common.no')}
            onConfirm={() => fill.mutate({ version: chosen, asOf })}
          >
            <Button loading={fill.isPending}>{t('schemeRun.fill')}</Button>
          </Popconfirm>
        ) : null}
      </Flex>
      {run.error ? <Failed error={run.error} retry={() => run.mutate()} /> : null}
      {run.isPending ? <Skeleton active /> : null}
      {run.data && !run.isPending ? <Result preview={run.data} /> : null}
    </Card>
  );
}
