import { Button, Card, Empty, Flex, Input, Segmented, Table } from 'antd';
import { Link, useSearchParams } from 'react-router';
import { listSegments, type Segment } from '../../api/segmentation.js';
import { Failed } from '../../shared/failed.js';
import { formatCount, idOf } from '../../shared/format.js';
import { Pager, usePages } from '../../shared/pages.js';
import { useSession } from '../../shared/session-context.js';
import { Day, PageHead, State, When } from '../../shared/show.js';
import { useRuleWords } from '../../shared/use-catalogue.js';
import { useWords } from '../../shared/words.js';
import { SegmentPlaces } from './segment-places.js';

const states = ['SEGMENT_STATE_DRAFT', 'SEGMENT_STATE_APPROVED', 'SEGMENT_STATE_PUBLISHED', 'SEGMENT_STATE_RETIRED'];

/** The segments that the person may see. */
export function SegmentsPage() {
  const { t, language, label } = useWords();
  const { may } = useSession();
  const say = useRuleWords();
  const [parameters, setParameters] = useSearchParams();
  const state = parameters.get('state') ?? '';
  const query = parameters.get('q') ?? '';
  const { data, error, isFetching, refetch, page, back, forward } = usePages(
    ['segments', state, query],
    (token, signal) => listSegments(token, signal, 20, state, { query }),
  );
  const show = (chosen: { state: string; q: string }): void =>
    setParameters(new URLSearchParams(Object.entries(chosen).filter(([, value]) => value !== '')), { replace: true });
  const empty = query ? t('segment.noneFound', { query }) : state ? t('segment.noneInState') : t('segment.none');
  return (
    <>
      <PageHead title={t('menu.segments')} note={t('segment.note')}>
        {may('editSegments') ? (
          <Link to="/segments/new">
            <Button type="primary">{t('segment.create')}</Button>
          </Link>
        ) : null}
      </PageHead>
      <SegmentPlaces />
      <Card size="small">
        <Flex gap={12} wrap justify="space-between" style={{ marginBottom: 12 }}>
          <Segmented
            value={state}
            options={[
              { value: '', label: t('common.all') },
              ...states.map((one) => ({ value: one, label: label(one) })),
            ]}
            onChange={(next) => show({ state: next, q: query })}
          />
          <Input.Search
            key={query}
            allowClear
            defaultValue={query}
            maxLength={200}
            aria-label={t('segment.search')}
            placeholder={t('segment.search')}
            style={{ width: 320 }}
            onSearch={(text) => show({ state, q: text.trim() })}
          />
        </Flex>
        {error ? (
          <Failed error={error} retry={() => void refetch()} />
        ) : (
          <Table<Segment>
            size="middle"
            rowKey="name"
            loading={isFetching}
            dataSource={data?.segments ?? []}
            pagination={false}
            scroll={{ x: 'max-content' }}
            locale={{ emptyText: <Empty description={empty} /> }}
            columns={[
              {
                title: t('segment.title'),
                render: (_, { name, title }) => <Link to={`/segments/${idOf(name)}`}>{title}</Link>,
              },
              {
                title: t('segment.meaning'),
                render: (_, { latestVersion }) => (
                  <div style={{ maxWidth: 520, whiteSpace: 'normal' }}>
                    {latestVersion ? say(latestVersion.rule, latestVersion.description) : ''}
                  </div>
                ),
              },
              {
                title: t('segment.members'),
                align: 'right',
                render: (_, { latestVersion }) =>
                  latestVersion?.evaluateTime ? formatCount(latestVersion.members, language) : '–',
              },
              { title: t('segment.asOf'), render: (_, { latestVersion }) => <Day date={latestVersion?.asOf} /> },
              {
                title: t('segment.state'),
                render: (_, { latestVersion }) => <State value={latestVersion?.state ?? ''} />,
              },
              { title: t('segment.created'), render: (_, { createTime }) => <When time={createTime} /> },
            ]}
          />
        )}
        <Pager page={page} back={back} forward={forward} />
      </Card>
    </>
  );
}
