import { Button, Card, Empty, Table } from 'antd';
import { listMembers } from '../../api/segmentation.js';
import { Failed } from '../../shared/failed.js';
import { formatCount } from '../../shared/format.js';
import { Pager, usePages } from '../../shared/pages.js';
import { useSession } from '../../shared/session-context.js';
import { PartyName, When } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';

/** Who is in a version of a segment. */
export function Members({ version, onExplain }: { version: string; onExplain: (party: string) => void }) {
  const { may } = useSession();
  const { t, language } = useWords();
  const { data, error, isFetching, refetch, page, back, forward } = usePages(['members', version], (token, signal) =>
    listMembers(version, token, signal),
  );
  return (
    <Card size="small" title={t('segment.membersTitle', { total: formatCount(data?.total ?? '0', language) })}>
      {error ? (
        <Failed error={error} retry={() => void refetch()} />
      ) : (
        <Table
          size="small"
          rowKey="party"
          loading={isFetching}
          dataSource={data?.members ?? []}
          pagination={false}
          locale={{ emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('segment.noMembers')} /> }}
          columns={[
            { title: t('party.name'), render: (_, { party }) => <PartyName name={party} /> },
            { title: t('segment.entered'), render: (_, { enterTime }) => <When time={enterTime} /> },
            {
              title: '',
              align: 'right',
              render: (_, { party }) =>
                may('explainMembership') ? (
                  <Button size="small" onClick={() => onExplain(party)}>
                    {t('campaign.why')}
                  </Button>
                ) : null,
            },
          ]}
        />
      )}
      <Pager page={page} back={back} forward={forward} />
    </Card>
  );
}
