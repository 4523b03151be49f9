import { Flex, Statistic, Table, Typography } from 'antd';
import type { Holding } from '../../api/customer.js';
import type { CustomerView } from '../../api/view.js';
import { Amount, AsOf, Day, State } from '../../shared/show.js';
import { decimalText, formatMoney, formatNumber } from '../../shared/format.js';
import { useWords } from '../../shared/words.js';
import { Part } from './part.js';

/** What is owed, paid regularly, insured or held, by the kind of holding. */
function Detail({ holding }: { holding: Holding }) {
  const { loan, card, standingOrder, insurance, overdraft, balance } = holding;
  if (loan) {
    return (
      <Flex gap={8} align="center" justify="flex-end">
        <State value={loan.status} />
        <Amount money={loan.amount} />
      </Flex>
    );
  }
  if (standingOrder) return <Amount money={standingOrder.amount} />;
  if (insurance) return <Amount money={insurance.sumInsured} />;
  if (overdraft && !balance) return <Amount money={overdraft.limit} />;
  if (card && !balance) return card.type;
  return <Amount money={balance} />;
}

/** What tells the holding from others of its kind. */
function Note({ holding }: { holding: Holding }) {
  const { t, code, language } = useWords();
  const { standingOrder, deposit, fund, insurance, overdraft, sourceKey, iban } = holding;
  if (standingOrder?.purpose) return code(standingOrder.purpose);
  if (deposit) {
    const rate = formatNumber(deposit.interestRateBasisPoints / 100, language);
    return (
      <>
        {t('holding.deposit', { months: deposit.termMonths, rate })} <Day date={deposit.maturityDate} />
      </>
    );
  }
  if (fund) return `${fund.isin} × ${decimalText(fund.unitsMicro, 6).replace(/\.?0+$/, '')}`;
  if (insurance) return code(insurance.type);
  if (overdraft) {
    return (
      <>
        {t('holding.limit')} <Amount money={overdraft.limit} />
      </>
    );
  }
  return iban ? (iban.match(/.{1,4}/g) ?? []).join(' ') : sourceKey;
}

/** What the customer has, with the balances by kind above. */
export function HoldingsPart({ view }: { view: CustomerView }) {
  const { t, label, language } = useWords();
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
              const party = view.party?.party;
              const own = owners.find(({ party: name }) => name === party?.name || party?.aliases?.includes(name));
              return own ? label(own.role) : '–';
            },
          },
          { title: t('holding.opened'), render: (_, holding) => <Day date={holding.openedDate} /> },
          { title: t('holding.status'), render: (_, holding) => <State value={holding.status} /> },
          {
            title: t('holding.note'),
            render: (_, holding) => (
              <Typography.Text type="secondary">
                <Note holding={holding} />
              </Typography.Text>
            ),
          },
          { title: t('holding.amount'), align: 'right', render: (_, holding) => <Detail holding={holding} /> },
        ]}
      />
    </Part>
  );
}
