import { Flex, Table, Typography } from 'antd';
import type { Comparison } from '../../api/matching.js';
import { formatNumber } from '../../shared/format.js';
import { useWords } from '../../shared/words.js';

interface Row {
  key: string;
  title: string;
  level: string;
  weight: number;
}

/** A bar from the middle: to the right for their being one, to the left against it. */
function Bar({ weight, most }: { weight: number; most: number }) {
  const width = `${(Math.abs(weight) / most) * 50}%`;
  const side = weight < 0 ? { right: '50%', background: '#b91c1c' } : { left: '50%', background: '#0f766e' };
  return (
    <div style={{ position: 'relative', height: 12, minWidth: 120, background: '#eef3f2' }} aria-hidden>
      <div style={{ position: 'absolute', top: 0, bottom: 0, width, ...side }} />
      <div style={{ position: 'absolute', left: '50%', top: -2, bottom: -2, width: 1, background: '#94a3a1' }} />
    </div>
  );
}

/** What each field says about two parties, in bits, and the sum. */
export function Evidence({ of }: { of: Comparison }) {
  const { t, code, language } = useWords();
  const signed = (value: number): string => `${value > 0 ? '+' : ''}${formatNumber(value, language, 1)}`;
  const rows: Row[] = [
    ...of.evidence.map(({ field, level, weight, rarity }) => ({
      key: field,
      title: code(`field_${field}`),
      level:
        Math.abs(rarity) < 0.5
          ? code(`level_${level}`)
          : `${code(`level_${level}`)}, ${t(rarity > 0 ? 'matching.rare' : 'matching.common')}`,
      weight,
    })),
    ...(of.household === 0
      ? []
      : [{ key: 'household', title: t('matching.household'), level: '', weight: of.household }]),
    { key: 'prior', title: t('matching.prior'), level: '', weight: of.prior },
  ];
  const most = Math.max(1, ...rows.map(({ weight }) => Math.abs(weight)));
  return (
    <Table<Row>
      size="small"
      rowKey="key"
      dataSource={rows}
      pagination={false}
      scroll={{ x: 'max-content' }}
      footer={() => (
        <Flex justify="space-between">
          <Typography.Text strong>{t('matching.sum')}</Typography.Text>
          <Typography.Text strong data-testid="weight">
            {t('matching.bits', { bits: signed(of.weight) })}
          </Typography.Text>
        </Flex>
      )}
      columns={[
        { title: t('matching.field'), dataIndex: 'title' },
        { title: t('matching.level'), dataIndex: 'level' },
        { title: t('matching.evidence'), render: (_, { weight }) => <Bar weight={weight} most={most} /> },
        { title: t('matching.bitsShort'), align: 'right', render: (_, { weight }) => signed(weight) },
      ]}
    />
  );
}
