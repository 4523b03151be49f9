import { Card, Empty, Flex, Input, Segmented, Table, Typography } from 'antd';
import { useRef } from 'react';
import { Link, useNavigate, useSearchParams } from 'react-router';
import { listParties, type Party, type SearchBy, searchParties, searchWays } from '../api/customer.js';
import { Failed } from '../shared/failed.js';
import { idOf } from '../shared/format.js';
import { Pager, usePages } from '../shared/pages.js';
import { useSession } from '../shared/session-context.js';
import { Day, PageHead, State } from '../shared/show.js';
import { useWords } from '../shared/words.js';

/** Finds customers by whatever is typed, or by one thing that they have; without words it lists those that the person may see. */
export function SearchPage() {
  const { t, label } = useWords();
  const { may } = useSession();
  const navigate = useNavigate();
  const [parameters, setParameters] = useSearchParams();
  const by = searchWays.find((way) => way === parameters.get('by')) ?? 'text';
  const text = parameters.get('q') ?? '';
  const typed = useRef<HTMLDivElement>(null);
  const search = (way: SearchBy, words: string): void => {
    setParameters(words.trim() ? { by: way, q: words.trim() } : way === 'text' ? {} : { by: way }, { replace: true });
  };
  const { data, error, isFetching, refetch, page, back, forward } = usePages(['parties', by, text], (token, signal) =>
    text ? searchParties(by, text, token, signal) : listParties(token, signal),
  );
  const opens = may('viewCustomer');
  return (
    <>
      <PageHead title={t('menu.parties')} note={may('searchParties') ? t('search.note') : t('search.noteList')} />
      {may('searchParties') ? (
        <Card size="small" style={{ marginBottom: 16 }}>
          <Flex gap={12} wrap ref={typed}>
            <Segmented<SearchBy>
              aria-label={t('search.by')}
              value={by}
              options={searchWays.map((way) => ({ value: way, label: t(`search.${way}`) }))}
              onChange={(way) =>
                search(way, typed.current?.querySelector<HTMLInputElement>('#customer-search')?.value ?? text)
              }
            />
            <Input.Search
              key={text}
              id="customer-search"
              defaultValue={text}
              autoFocus
              allowClear
              enterButton={t('search.button')}
              placeholder={t(`search.${by}Hint`)}
              aria-label={t(`search.${by}`)}
              style={{ maxWidth: 480 }}
              onSearch={(words) => search(by, words)}
            />
          </Flex>
        </Card>
      ) : null}
      <Card size="small">
        {error ? (
          <Failed error={error} retry={() => void refetch()} />
        ) : (
          <Table<Party>
            size="middle"
            rowKey="name"
            loading={isFetching}
            dataSource={data?.parties ?? []}
            pagination={false}
            scroll={{ x: 'max-content' }}
            locale={{
              emptyText: isFetching ? ' ' : <Empty description={text ? t('search.none') : t('search.noneYet')} />,
            }}
            onRow={(party) =>
              opens
                ? { style: { cursor: 'pointer' }, onClick: () => void navigate(`/parties/${idOf(party.name)}`) }
                : {}
            }
            columns={[
              {
                title: t('party.name'),
                render: (_, party) =>
                  opens ? (
                    <Link to={`/parties/${idOf(party.name)}`} onClick={(event) => event.stopPropagation()}>
                      {party.displayName || idOf(party.name)}
                    </Link>
                  ) : (
                    party.displayName || idOf(party.name)
                  ),
              },
              { title: t('party.kind'), render: (_, party) => label(party.kind) },
              { title: t('party.birthDate'), render: (_, party) => <Day date={party.person?.birthDate} /> },
              { title: t('party.branch'), dataIndex: 'branch' },
              { title: t('party.region'), dataIndex: 'region' },
              { title: t('party.organisationPath'), dataIndex: 'organisationPath' },
              {
                title: t('party.sourceKey'),
                render: (_, party) => <Typography.Text type="secondary">{party.sourceKey}</Typography.Text>,
              },
              { title: t('party.state'), render: (_, party) => <State value={party.state} /> },
            ]}
          />
        )}
        <Pager page={page} back={back} forward={forward} />
      </Card>
    </>
  );
}
