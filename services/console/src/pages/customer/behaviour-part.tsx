import { Flex, Tag, Typography } from 'antd';
import type { BehaviourChange } from '../../api/portrait.js';
import { formatMoney, formatNumber } from '../../shared/format.js';
import { Day } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';
import { Part } from './part.js';

/** How the customer's behaviour departed from what was usual, how much and since when. */
export function BehaviourPart({ changes, asOf }: { changes: BehaviourChange[]; asOf: string | undefined }) {
  const { t, label, code, language } = useWords();
  /** The amount of a measure of money, a plain number of a count. */
  const valueOf = ({ measure }: BehaviourChange, value: number): string => {
    const currency = /(?:^|:)([A-Z]{3})$/.exec(measure?.code ?? '')?.[1];
    if (!currency) return formatNumber(value, language, 1);
    return formatMoney({ minorUnits: String(Math.round(value)), currencyCode: currency }, language);
  };
  return (
    <Part title={t('behaviour.title')} asOf={asOf} empty={changes.length === 0 ? t('behaviour.none') : undefined}>
      <Flex vertical gap={10}>
        {changes.map((change) => {
          const what = code((change.measure?.code ?? '').replace(/:[A-Z]{3}$/, ''));
          return (
            <div key={change.name} data-testid="behaviour-change">
              <span>
                {label(change.measure?.kind ?? '')} {what}{' '}
                <Tag color={change.deviations > 0 ? 'green' : 'volcano'}>
                  {t(change.deviations > 0 ? 'behaviour.more' : 'behaviour.less', {
                    deviations: formatNumber(Math.abs(change.deviations), language, 1),
                  })}
                </Tag>
              </span>
              <br />
              <Typography.Text type="secondary">
                {t('behaviour.observed', {
                  observed: valueOf(change, change.observed),
                  expected: valueOf(change, change.expected),
                })}{' '}
                · {t('behaviour.since')} <Day date={change.sinceDate} />
                {change.endDate?.year ? (
                  <>
                    {' – '}
                    <Day date={change.endDate} />
                  </>
                ) : null}
              </Typography.Text>
            </div>
          );
        })}
      </Flex>
    </Part>
  );
}
