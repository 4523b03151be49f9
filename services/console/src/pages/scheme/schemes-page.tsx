import { Button, Card, Dropdown, Empty, Segmented, Table } from 'antd';
import { Link, useNavigate, useSearchParams } from 'react-router';
import { listSchemes, type Scheme } from '../../api/schemes.js';
import { Failed } from '../../shared/failed.js';
import { formatCount, idOf } from '../../shared/format.js';
import { Pager, usePages } from '../../shared/pages.js';
import { useSession } from '../../shared/session-context.js';
import { PageHead, State, When } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';
import { SegmentPlaces } from '../segment/segment-places.js';
import { useGroupTitle } from './group-title.js';
import { kinds } from './plans.js';

/** The ways in which the bank divides its customers into named groups. */
export function SchemesPage() {
  const { t, label, language } = useWords();
  const { may } = useSession();
  const navigate = useNavigate();
  const titleOf = useGroupTitle();
  const [parameters, setParameters] = useSearchParams();
  const kind = parameters.get('kind') ?? '';
  const { data, error, isFetching, refetch, page, back, forward } = usePages(['schemes', kind], (token, signal) =>
    listSchemes(kind, token, signal),
  );
  return (
    <>
      <PageHead title={t('scheme.title')} note={t('scheme.note')}>
        {may('editSegments') ? (
          <Dropdown
            trigger={['click']}
            menu={{
              items: kinds.map((one) => ({
                key: one,
                label: label(one),
                onClick: () => void navigate(`/segmentation/schemes/new?kind=${one}`),
              })),
            }}
          >
            <Button type="primary">{t('scheme.create')}</Button>
          </Dropdown>
        ) : null}
      </PageHead>
      <SegmentPlaces />
      <Card size="small">
        <Segmented
          value={kind}
          style={{ marginBottom: 12 }}
          options={[{ value: '', label: t('common.all') }, ...kinds.map((one) => ({ value: one, label: label(one) }))]}
          onChange={(next) => setParameters(next ? { kind: next } : {}, { replace: true })}
        />
        {error ? (
          <Failed error={error} retry={() => void refetch()} />
        ) : (
          <Table<Scheme>
            size="middle"
            rowKey="name"
            loading={isFetching}
            dataSource={data?.schemes ?? []}
            pagination={false}
            scroll={{ x: 'max-content' }}
            locale={{ emptyText: <Empty description={t('scheme.none')} /> }}
            columns={[
              {
                title: t('segment.title'),
                render: (_, { name, title }) => <Link to={`/segmentation/schemes/${idOf(name)}`}>{title}</Link>,
              },
              { title: t('scheme.kind'), render: (_, one) => label(one.kind) },
              {
                title: t('scheme.groups'),
                render: (_, { latestVersion }) => (
                  <div style={{ maxWidth: 460, whiteSpace: 'normal' }}>
                    {latestVersion?.groups.map(({ group }) => titleOf(group)).join(language === 'zh' ? '、' : ', ')}
                  </div>
                ),
              },
              {
                title: t('segment.members'),
                align: 'right',
                render: (_, { latestVersion }) =>
                  formatCount(
                    (latestVersion?.groups ?? []).reduce((sum, { members }) => sum + Number(members), 0),
                    language,
                  ),
              },
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
