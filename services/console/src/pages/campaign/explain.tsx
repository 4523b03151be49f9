import { CheckCircleTwoTone, CloseCircleTwoTone } from '@ant-design/icons';
import { useQuery } from '@tanstack/react-query';
import { Card, Empty, Flex, Input, Skeleton, Typography } from 'antd';
import { explainDelivery, type GateFinding } from '../../api/marketing.js';
import { useTranslation } from 'react-i18next';
import { Failed } from '../../shared/failed.js';
import { PartyName, State, When } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';

interface ExplainProps {
  campaignId: string;
  /** `parties/{uuid}`, or empty. */
  asked: string;
  onAsk: (party: string) => void;
}

/** What the service said in codes; what this console has no word for yet is shown as the service said it in English. */
function useGateWords() {
  const { t, i18n } = useTranslation();
  return {
    reason: (value: string, inEnglish: string): string => {
      const key = `gate.reasons.${value.replace('DELIVERY_REASON_', '')}`;
      return i18n.exists(key) ? t(key) : inEnglish;
    },
    findings: (findings: readonly GateFinding[], inEnglish: string): string => {
      const keys = findings.map(({ code }) => `gate.findings.${code.replace('GATE_FINDING_CODE_', '')}`);
      if (findings.length === 0 || keys.some((key) => !i18n.exists(key))) return inEnglish;
      const said = findings.map(({ messages, messagesAllowed, days, startTime, endTime }, at) =>
        t(keys[at] ?? '', { messages, allowed: messagesAllowed, days, start: startTime, end: endTime }),
      );
      return said.join(t('explain.between'));
    },
  };
}

/** Why one customer got the message or did not: every check of the contact gate, in its order. */
export function Explain({ campaignId, asked, onAsk }: ExplainProps) {
  const { t, label } = useWords();
  const say = useGateWords();
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ['campaign', campaignId, 'explain', asked],
    queryFn: ({ signal }) => explainDelivery(campaignId, asked, signal),
    enabled: asked !== '',
  });
  const delivery = data?.delivery;
  return (
    <Card size="small" title={t('explain.title')}>
      <Input.Search
        key={asked}
        defaultValue={asked}
        placeholder={t('explain.hint')}
        aria-label={t('explain.hint')}
        enterButton={t('campaign.why')}
        onSearch={(text) => {
          const id = /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(text)?.[0];
          onAsk(id ? `parties/${id}` : text.trim());
        }}
        style={{ marginBottom: 16 }}
      />
      {asked === '' ? <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('explain.empty')} /> : null}
      {asked !== '' && error ? <Failed error={error} retry={() => void refetch()} /> : null}
      {asked !== '' && isPending ? <Skeleton active title={false} /> : null}
      {data ? (
        <Flex vertical gap={12} data-testid="explanation" aria-live="polite">
          <Flex gap={8} align="center" wrap>
            <PartyName name={asked} />
            <State value={data.decision} />
            <strong>{label(data.reason)}</strong>
          </Flex>
          <Typography.Text type="secondary">{say.reason(data.reason, data.explanation)}</Typography.Text>
          {delivery?.checks.map(({ kind, passed, finding, findings }) => (
            <Flex key={kind} gap={8} align="flex-start">
              {passed ? (
                <CheckCircleTwoTone twoToneColor="#15803d" aria-label={t('explain.passed')} />
              ) : (
                <CloseCircleTwoTone twoToneColor="#dc2626" aria-label={t('explain.refused')} />
              )}
              <span>
                <strong>{label(kind)}</strong> {say.findings(findings, finding)}
              </span>
            </Flex>
          ))}
          {delivery?.decideTime ? (
            <span>
              {t('campaign.decided')} <When time={delivery.decideTime} />
            </span>
          ) : null}
          {delivery?.retryTime ? (
            <span>
              {t('explain.retry')} <When time={delivery.retryTime} />
            </span>
          ) : null}
          {delivery?.traceId ? (
            <Typography.Text type="secondary" copyable={{ text: delivery.traceId }}>
              {t('explain.trace')} {delivery.traceId.slice(0, 8)}…
            </Typography.Text>
          ) : null}
        </Flex>
      ) : null}
    </Card>
  );
}
