import { useQuery } from '@tanstack/react-query';
import { Card, DatePicker, Empty, Flex, Input, List, Typography } from 'antd';
import dayjs from 'dayjs';
import { useState } from 'react';
import { searchParties } from '../../api/customer.js';
import { Failed } from '../../shared/failed.js';
import { useSession } from '../../shared/session-context.js';
import { PartyName } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';
import { Explanation } from './explanation.js';

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/;

interface ExplainProps {
  /** `segments/{id}@{version}`. */
  segment: string;
  /** `parties/{uuid}`, or empty. */
  asked: string;
  onAsk: (party: string) => void;
}

/** Asks for any customer why it is in the segment, or not: by id or address, or by a search where the role permits. */
export function ExplainMember({ segment, asked, onAsk }: ExplainProps) {
  const { t } = useWords();
  const { may } = useSession();
  const [words, setWords] = useState('');
  const [asOf, setAsOf] = useState('');
  const found = useQuery({
    queryKey: ['parties', 'to-explain', words],
    queryFn: ({ signal }) => searchParties('text', words, '', signal),
    enabled: words !== '' && may('searchParties'),
  });
  return (
    <Card size="small" title={t('why.title')}>
      <Flex gap={12} wrap style={{ marginBottom: 16 }}>
        <Input.Search
          key={asked}
          defaultValue={asked}
          placeholder={may('searchParties') ? t('why.search') : t('explain.hint')}
          aria-label={t('explain.hint')}
          enterButton={t('campaign.why')}
          style={{ flex: 1, minWidth: 320 }}
          onSearch={(text) => {
            const id = uuid.exec(text)?.[0];
            setWords(id ? '' : text.trim());
            onAsk(id ? `parties/${id}` : '');
          }}
        />
        <DatePicker
          aria-label={t('why.day')}
          placeholder={t('why.day')}
          value={asOf ? dayjs(asOf) : null}
          onChange={(day) => setAsOf(day?.format('YYYY-MM-DD') ?? '')}
        />
      </Flex>
      {words !== '' && !may('searchParties') ? (
        <Typography.Text type="warning">{t('why.noSearch')}</Typography.Text>
      ) : null}
      {found.error ? <Failed error={found.error} retry={() => void found.refetch()} /> : null}
      {words !== '' && found.data ? (
        <List
          size="small"
          dataSource={found.data.parties}
          locale={{ emptyText: t('why.nobody') }}
          renderItem={({ name }) => (
            <List.Item
              actions={[
                <Typography.Link key="why" role="button" tabIndex={0} onClick={() => onAsk(name)}>
                  {t('campaign.why')}
                </Typography.Link>,
              ]}
            >
              <PartyName name={name} />
            </List.Item>
          )}
        />
      ) : null}
      {asked === '' && words === '' ? (
        <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('why.empty')} />
      ) : null}
      {asked !== '' ? <Explanation party={asked} segment={segment} asOf={asOf} /> : null}
    </Card>
  );
}
