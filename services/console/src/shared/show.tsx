import { useQuery } from '@tanstack/react-query';
import { Flex, Tag, Tooltip, Typography } from 'antd';
import type { ReactNode } from 'react';
import { Link } from 'react-router';
import type { CalendarDate, Money } from '../api/types.js';
import { formatDay, formatMoney, formatTime, idOf, shortName } from './format.js';
import { loadPartyName } from './party-names.js';
import { useSession } from './session-context.js';
import { useWords } from './words.js';

/** A moment in the reader's time zone; its tooltip gives UTC. */
export function When({ time }: { time: string | undefined }) {
  const { language } = useWords();
  if (!time) return <span>–</span>;
  return (
    <Tooltip title={time.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC')}>
      <time dateTime={time} style={{ whiteSpace: 'nowrap' }}>
        {formatTime(time, language)}
      </time>
    </Tooltip>
  );
}

export function Day({ date }: { date: CalendarDate | undefined }) {
  const { language } = useWords();
  return <span style={{ whiteSpace: 'nowrap' }}>{date?.year ? formatDay(date, language) : '–'}</span>;
}

export function Amount({ money, sign = '' }: { money: Money | undefined; sign?: string }) {
  const { language } = useWords();
  return (
    <span style={{ whiteSpace: 'nowrap', fontVariantNumeric: 'tabular-nums' }}>
      {money ? `${sign}${formatMoney(money, language)}` : '–'}
    </span>
  );
}

/** Since when the part beside it is true. */
export function AsOf({ time }: { time: string | undefined }) {
  const { t } = useWords();
  if (!time) return null;
  return (
    <Typography.Text type="secondary" style={{ fontSize: 12, fontWeight: 400 }}>
      {t('common.asOf')} <When time={time} />
    </Typography.Text>
  );
}

const colours: Record<string, string> = {
  PARTY_STATE_ACTIVE: 'green',
  PARTY_STATE_RESTRICTED: 'orange',
  CONSENT_STATE_GRANTED: 'green',
  CONSENT_STATE_WITHDRAWN: 'red',
  HOLDING_STATUS_OPEN: 'green',
  LOAN_STATUS_DEFAULTED: 'red',
  LOAN_STATUS_IN_ARREARS: 'orange',
  SEGMENT_STATE_PUBLISHED: 'green',
  SEGMENT_STATE_APPROVED: 'blue',
  SCHEME_RUN_STATE_RUNNING: 'blue',
  SCHEME_RUN_STATE_SUCCEEDED: 'green',
  SCHEME_RUN_STATE_FAILED: 'red',
  LIST_UPLOAD_STATE_RECEIVING: 'blue',
  LIST_UPLOAD_STATE_CHECKED: 'cyan',
  LIST_UPLOAD_STATE_WAITING: 'gold',
  LIST_UPLOAD_STATE_APPLYING: 'blue',
  LIST_UPLOAD_STATE_APPLIED: 'green',
  LIST_UPLOAD_STATE_REJECTED: 'red',
  CAMPAIGN_STATE_SUBMITTED: 'gold',
  CAMPAIGN_STATE_APPROVED: 'blue',
  CAMPAIGN_STATE_RUNNING: 'green',
  CAMPAIGN_STATE_PAUSED: 'orange',
  CASE_STATE_OPEN: 'gold',
  CASE_STATE_REOPENED: 'volcano',
  CASE_STATE_ASSIGNED: 'blue',
  CASE_STATE_IN_PROGRESS: 'geekblue',
  CASE_STATE_RESOLVED: 'cyan',
  CASE_PRIORITY_HIGH: 'orange',
  CASE_PRIORITY_URGENT: 'red',
  DELIVERY_DECISION_SENT: 'green',
  DELIVERY_DECISION_HELD: 'gold',
  DELIVERY_DECISION_SUPPRESSED: 'red',
  DELIVERY_DECISION_HOLDOUT: 'purple',
  DELIVERY_DECISION_FAILED: 'volcano',
  MATCH_CANDIDATE_STATE_OPEN: 'gold',
  MATCH_CANDIDATE_STATE_MERGING: 'blue',
  MATCH_CANDIDATE_STATE_SAME: 'green',
  MATCH_CANDIDATE_STATE_NEVER: 'red',
  MATCH_RUN_STATE_RUNNING: 'blue',
  MATCH_RUN_STATE_COMPLETED: 'green',
  MATCH_RUN_STATE_FAILED: 'red',
  IMPORT_STATE_RUNNING: 'blue',
  IMPORT_STATE_COMPLETED: 'green',
  IMPORT_STATE_CANCELLED: 'default',
  QUALITY_SEVERITY_ERROR: 'red',
  QUALITY_SEVERITY_WARNING: 'orange',
  QUALITY_SEVERITY_MISSING: 'gold',
  DATA_SUBJECT_REQUEST_STATE_RECEIVED: 'gold',
  DATA_SUBJECT_REQUEST_STATE_ACCEPTED: 'blue',
  DATA_SUBJECT_REQUEST_STATE_COMPLETED: 'green',
  DATA_SUBJECT_REQUEST_STATE_REFUSED: 'red',
};

/** A state of the contract as a coloured word. */
export function State({ value }: { value: string }) {
  const { label } = useWords();
  if (!value || value.endsWith('_UNSPECIFIED')) return <span>–</span>;
  return (
    <Tag color={colours[value]} style={{ marginInlineEnd: 0 }}>
      {label(value)}
    </Tag>
  );
}

/** A customer's name, leading to the customer; the end of the id where the name may not be seen. */
export function PartyName({ name }: { name: string }) {
  const { may } = useSession();
  const visible = may('viewParties');
  const { data } = useQuery({
    queryKey: ['party-name', name],
    queryFn: () => loadPartyName(name),
    enabled: name !== '' && visible,
    staleTime: 300_000,
    retry: false,
  });
  if (!name) return <span>–</span>;
  const text = data || shortName(name);
  return may('viewCustomer') ? <Link to={`/parties/${idOf(name)}`}>{text}</Link> : <span>{text}</span>;
}

/** A member of staff, by the id that colleagues know. */
export function StaffName({ name }: { name: string }) {
  const { t } = useWords();
  if (!name) return <Typography.Text type="secondary">{t('common.nobody')}</Typography.Text>;
  return <span>{name.replace(/^(staff\/|service:)/, '')}</span>;
}

/** The head of a page: where one is, and what can be done here. The title takes the focus when the page changes. */
export function PageHead({ title, note, children }: { title: ReactNode; note?: ReactNode; children?: ReactNode }) {
  return (
    <Flex justify="space-between" align="flex-start" gap={16} wrap style={{ marginBottom: 16 }}>
      <div>
        <h1 className="page-title" tabIndex={-1}>
          {title}
        </h1>
        {note ? <Typography.Text type="secondary">{note}</Typography.Text> : null}
      </div>
      {children ? (
        <Flex gap={8} wrap>
          {children}
        </Flex>
      ) : null}
    </Flex>
  );
}
