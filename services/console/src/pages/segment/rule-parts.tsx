import { useQuery } from '@tanstack/react-query';
import { Alert, Card, Flex, Progress, Skeleton, Typography } from 'antd';
import { type CountedRulePart, countRuleParts } from '../../api/insight.js';
import { Problem } from '../../api/client.js';
import { Failed } from '../../shared/failed.js';
import { dayFromIso, formatCount } from '../../shared/format.js';
import { useRuleWords } from '../../shared/use-catalogue.js';
import { useLater } from '../../shared/use-later.js';
import { useWords } from '../../shared/words.js';

const countAfterMs = 1200;
const CONDITION = 'RULE_PART_KIND_CONDITION';

/** One part of the rule with the share of customers who meet it, and what is doubtful about it. */
function Part({ part, population }: { part: CountedRulePart; population: number }) {
  const { t, label, language } = useWords();
  const say = useRuleWords();
  const { kind, depth, description, rule, count, hidden, doubts } = part;
  const share = population === 0 ? 0 : (100 * Number(count)) / population;
  return (
    <div style={{ paddingInlineStart: 14 * depth }}>
      <Flex justify="space-between" gap={8}>
        <Typography.Text type={kind === CONDITION ? undefined : 'secondary'}>
          {kind === CONDITION ? say(rule, description) : label(kind)}
        </Typography.Text>
        <strong>{hidden ? t('insight.few') : formatCount(count, language)}</strong>
      </Flex>
      {hidden ? null : <Progress percent={share} showInfo={false} size="small" status="normal" aria-hidden />}
      {doubts.map(({ reason, message, messageZh }) => (
        <Alert
          key={`${reason} ${message}`}
          type={reason === 'RULE_DOUBT_REASON_EVERYBODY' ? 'info' : 'warning'}
          showIcon
          title={language === 'en' ? message : messageZh}
        />
      ))}
    </div>
  );
}

interface PartsProps {
  rule: string;
  /** `1994-03-31`, or empty for today. */
  asOf: string;
  organisationPath: string;
}

/** How many customers meet each part of a rule, so that a part that nobody meets is not passed over. */
export function RuleParts({ rule, asOf, organisationPath }: PartsProps) {
  const { t } = useWords();
  const later = useLater(rule, countAfterMs);
  const { data, error, isPending, isFetching, refetch } = useQuery({
    queryKey: ['rule-parts', later, asOf, organisationPath],
    queryFn: ({ signal }) => countRuleParts({ rule: later, asOf: dayFromIso(asOf), organisationPath }, signal),
    enabled: later.trim() !== '',
    placeholderData: (last) => last,
    staleTime: 30_000,
    retry: false,
  });
  // A bad rule is told about beside the rule.
  if (rule.trim() === '' || (error instanceof Problem && error.status === 400)) return null;
  return (
    <Card size="small" title={t('parts.title')}>
      {error ? <Failed error={error} retry={() => void refetch()} /> : null}
      {isPending && !error ? <Skeleton active title={false} /> : null}
      {data && !error ? (
        <Flex vertical gap={10} data-testid="rule-parts" style={{ opacity: isFetching || later !== rule ? 0.4 : 1 }}>
          {data.population === '0' ? <Typography.Text>{t('parts.nobody')}</Typography.Text> : null}
          {data.parts.map((part, index) => (
            <Part key={`${index} ${part.rule}`} part={part} population={Number(data.population)} />
          ))}
        </Flex>
      ) : null}
    </Card>
  );
}
