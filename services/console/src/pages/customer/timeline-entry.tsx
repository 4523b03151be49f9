import { Flex, Tag, Typography } from 'antd';
import type { ReactNode } from 'react';
import { Link } from 'react-router';
import type { TimelineEntry, Transaction } from '../../api/customer.js';
import { idOf } from '../../shared/format.js';
import { useSession } from '../../shared/session-context.js';
import { Amount, Day, StaffName, State, When } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';

/** What tells an entry from all others. */
export function keyOf({ time, transaction, interaction, behaviour, campaign, caseStep, lifeEvent }: TimelineEntry) {
  const name = transaction?.name ?? interaction?.name ?? campaign?.delivery ?? lifeEvent?.name ?? behaviour?.key;
  return `${time} ${name ?? `${caseStep?.caseName} ${caseStep?.step}`}`;
}

/** One thing that happened, in one line. */
export function Entry({ entry }: { entry: TimelineEntry }) {
  const { t, label, code } = useWords();
  const { may } = useSession();
  const { transaction, interaction, behaviour, campaign, caseStep, lifeEvent } = entry;
  if (transaction) return <Booking transaction={transaction} />;
  if (interaction) {
    const { channel, direction, subject, kind, note, staff } = interaction;
    return (
      <Row time={<When time={entry.time} />} tag={label(channel)} aside={staff ? <StaffName name={staff} /> : null}>
        <span>
          {label(direction)} · {subject || code(kind)}
        </span>
        {note ? (
          <Typography.Text type="secondary" className="plain-text">
            {note}
          </Typography.Text>
        ) : null}
      </Row>
    );
  }
  if (behaviour) {
    return (
      <Row time={<When time={entry.time} />} tag={label(behaviour.channel)}>
        <span>
          {label(behaviour.kind)} {code(behaviour.topic)}
        </span>
      </Row>
    );
  }
  if (campaign) {
    const words = `${t('timeline.campaign')} · ${code(campaign.purpose)}`;
    return (
      <Row
        time={<When time={entry.time} />}
        tag={label(campaign.channel)}
        aside={campaign.reason ? code(campaign.reason) : null}
      >
        <Flex gap={8}>
          {may('viewCampaigns') ? <Link to={`/campaigns/${idOf(campaign.campaign)}`}>{words}</Link> : words}
          <State value={`DELIVERY_DECISION_${campaign.decision.toUpperCase()}`} />
        </Flex>
      </Row>
    );
  }
  if (caseStep) {
    const words = caseStep.isComplaint ? t('case.complaint') : `${t('timeline.case')} ${code(idOf(caseStep.type))}`;
    return (
      <Row time={<When time={entry.time} />} tag={label(caseStep.channel)}>
        <Flex gap={8}>
          {may('viewCases') ? <Link to={`/cases/${idOf(caseStep.caseName)}`}>{words}</Link> : words}
          <span>{label(caseStep.step)}</span>
        </Flex>
      </Row>
    );
  }
  if (!lifeEvent) return null;
  return (
    <Row time={<Day date={lifeEvent.startDate} />} tag={t('life.title')}>
      <span>
        {lifeEvent.otherKind ? code(lifeEvent.otherKind) : label(lifeEvent.kind)} · {label(lifeEvent.certainty)}
      </span>
    </Row>
  );
}

function Booking({ transaction }: { transaction: Transaction }) {
  const { t, label, code } = useWords();
  const { direction, bookingDate, operation, kind, purpose, category, channel, counterparty, amount, valueDate } =
    transaction;
  const credit = direction === 'TRANSACTION_DIRECTION_CREDIT';
  const what = operation.endsWith('_OTHER') || operation.endsWith('_UNSPECIFIED') ? kind : operation;
  const details = [
    category ? code(category) : code(purpose),
    channel.endsWith('_UNSPECIFIED') ? '' : label(channel),
    counterparty ? [counterparty.name, counterparty.bank, counterparty.account].filter(Boolean).join(' ') : '',
  ].filter(Boolean);
  return (
    <Row
      time={<Day date={bookingDate} />}
      aside={
        <Typography.Text type={credit ? 'success' : undefined}>
          <Amount money={amount} sign={credit ? '+' : '−'} />
        </Typography.Text>
      }
    >
      <span>
        {label(what)} <Typography.Text type="secondary">{details.join(' · ')}</Typography.Text>
        {valueDate && JSON.stringify(valueDate) !== JSON.stringify(bookingDate) ? (
          <Typography.Text type="secondary">
            {' '}
            · {t('timeline.valueDate')} <Day date={valueDate} />
          </Typography.Text>
        ) : null}
      </span>
    </Row>
  );
}

interface RowProps {
  time: ReactNode;
  tag?: string;
  aside?: ReactNode;
  children: ReactNode;
}

function Row({ time, tag, aside, children }: RowProps) {
  return (
    <Flex component="li" gap={12} style={{ padding: '8px 0', borderBottom: '1px solid #f0f2f2' }} wrap>
      <span style={{ minWidth: 110 }}>{time}</span>
      {tag ? (
        <span>
          <Tag>{tag}</Tag>
        </span>
      ) : null}
      <Flex vertical style={{ flex: 1, minWidth: 200 }}>
        {children}
      </Flex>
      {aside ? <Typography.Text type="secondary">{aside}</Typography.Text> : null}
    </Flex>
  );
}
