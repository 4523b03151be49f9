import { Button, Card, Empty, Segmented, Table } from 'antd';
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
  const { data, error, isFetching, refetch, page, back, forward } = usePages(['segments', state], (token, signal) =>
    listSegments(token, signal, 20, state),
  );
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
        <Segmented
          value={state}
          style={{ marginBottom: 12 }}
          options={[{ value: '', label: t('common.all') }, ...states.map((one) => ({ value: one, label: label(one) }))]}
          onChange={(next) => setParameters(next ? { state: next } : {}, { replace: true })}
        />
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
            locale={{ emptyText: <Empty description={state ? t('segment.noneInState') : t('segment.none')} /> }}
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
