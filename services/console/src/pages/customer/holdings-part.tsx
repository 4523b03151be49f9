import { Flex, Statistic, Table, Typography } from 'antd';
import type { CustomerView, Holding } from '../../api/customer.js';
import { Amount, AsOf, Day, State } from '../../shared/show.js';
import { formatMoney } from '../../shared/format.js';
import { useWords } from '../../shared/words.js';
import { Part } from './part.js';

/** What is owed, paid regularly or held, by the kind of holding. */
function detail(holding: Holding) {
  const { loan, card, standingOrder, balance } = holding;
  if (loan) {
    return (
      <Flex gap={8} align="center" justify="flex-end">
        <State value={loan.status} />
        <Amount money={loan.amount} />
      </Flex>
    );
  }
  if (standingOrder) return <Amount money={standingOrder.amount} />;
  if (card) return card.type;
  return <Amount money={balance} />;
}

/** What the customer has, with the balances by kind above. */
export function HoldingsPart({ view }: { view: CustomerView }) {
  const { t, label, code, language } = useWords();
  const { holdings = [], total = 0, asOf } = view.holdings ?? {};
  const balances = (view.balances?.balances ?? []).filter(({ balance }) => balance);
  return (
    <Part
      title={t('customer.holdings', { total })}
      asOf={asOf}
      empty={holdings.length === 0 ? t('customer.noHoldings') : undefined}
    >
      {balances.length > 0 ? (
        <Flex gap={32} wrap style={{ marginBottom: 12 }} align="end">
          {balances.map(({ kind, balance, holdings: count }) => (
            <Statistic
              key={`${kind} ${balance?.currencyCode}`}
              title={`${label(kind)} × ${count}`}
              value={balance ? formatMoney(balance, language) : ''}
              styles={{ content: { fontSize: 20 } }}
            />
          ))}
          <AsOf time={view.balances?.asOf} />
        </Flex>
      ) : null}
      <Table<Holding>
        size="small"
        rowKey="name"
        dataSource={holdings}
        pagination={holdings.length > 8 ? { pageSize: 8, size: 'small', hideOnSinglePage: true } : false}
        scroll={{ x: 'max-content' }}
        columns={[
          { title: t('holding.kind'), render: (_, holding) => label(holding.kind) },
          {
            title: t('holding.role'),
            render: (_, { owners }) => {
              const own = owners.find(({ party }) => party === view.party?.party.name);
              return own ? label(own.role) : '–';
            },
          },
          { title: t('holding.opened'), render: (_, holding) => <Day date={holding.openedDate} /> },
          { title: t('holding.status'), render: (_, holding) => <State value={holding.status} /> },
          {
            title: t('holding.note'),
            render: (_, holding) => (
              <Typography.Text type="secondary">
                {holding.standingOrder?.purpose ? code(holding.standingOrder.purpose) : holding.sourceKey}
              </Typography.Text>
            ),
          },
          { title: t('holding.amount'), align: 'right', render: (_, holding) => detail(holding) },
        ]}
      />
    </Part>
  );
}
