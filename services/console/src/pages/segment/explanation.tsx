import { CheckCircleTwoTone, CloseCircleTwoTone } from '@ant-design/icons';
import { useQuery } from '@tanstack/react-query';
import { Flex, Skeleton, Tag, Typography } from 'antd';
import { explainMembership, type RulePart } from '../../api/segment-life.js';
import { describeOperand } from '../../rule/describe-rule.js';
import { readCel } from '../../rule/read-cel.js';
import { isTree } from '../../rule/tree.js';
import { Failed } from '../../shared/failed.js';
import { dayFromIso, formatDay, formatNumber, idOf } from '../../shared/format.js';
import { Day, PartyName, When } from '../../shared/show.js';
import { useCatalogue, useNaming, useRuleWords } from '../../shared/use-catalogue.js';
import { useWords } from '../../shared/words.js';

const CONDITION = 'RULE_PART_KIND_CONDITION';

/** The conditions that decided, in the reader's language; those of other segments are told with the parts. */
function useDecided(): (parts: readonly RulePart[]) => string {
  const { t } = useWords();
  const say = useRuleWords();
  return (parts) =>
    parts
      .filter(({ kind, decides, segmentVersion }) => kind === CONDITION && decides && !segmentVersion)
      .map(({ rule, description, holds }) => {
        const words = say(rule, description);
        return holds ? words : t('why.notSo', { rule: words });
      })
      .join(t('why.semicolon'));
}

interface ValueProps {
  part: RulePart;
  value: RulePart['values'][number];
}

/** What the customer has for an attribute of a condition, and what that comes from. */
function Value({ part, value: { attribute, description, value, missing, masked, sources } }: ValueProps) {
  const { t, language, code } = useWords();
  const { byKey, titleOf, unitOf } = useCatalogue();
  const { naming } = useNaming();
  const spec = byKey.get(attribute);
  const shown = (type: string, text: string): string => {
    if (type === 'ATTRIBUTE_TYPE_DATE') {
      const day = dayFromIso(text);
      return day ? formatDay(day, language) : text;
    }
    if (type !== 'ATTRIBUTE_TYPE_INT' && type !== 'ATTRIBUTE_TYPE_DOUBLE') return code(text);
    return formatNumber(Number(text), language, 4);
  };
  const leaf = readCel(part.rule)?.rules[0];
  const own = leaf && !isTree(leaf) && leaf.field === attribute ? leaf : undefined;
  const what = language === 'en' ? description : own ? describeOperand(own, byKey, naming) : titleOf(attribute);
  const words = spec ? `${shown(spec.type, value)} ${unitOf(spec)}`.trim() : value;
  return (
    <div>
      <Typography.Text type="secondary">
        {what}: {masked ? t('why.masked') : missing ? t('why.missing') : <strong>{words}</strong>}
        {sources.map((source) => (
          <span key={source.description}>
            {' · '}
            {language === 'en' ? source.description : source.descriptionZh} {shown(source.type, source.value)}
          </span>
        ))}
      </Typography.Text>
    </div>
  );
}

/** One part of the rule: whether it holds, whether it decided, and the customer's own values. */
function Part({ part, opens }: { part: RulePart; opens: boolean }) {
  const { t, label } = useWords();
  const say = useRuleWords();
  const { kind, depth, description, rule, holds, decides, values, segmentVersion, asOf } = part;
  const condition = kind === CONDITION;
  return (
    <Flex gap={8} align="flex-start" style={{ paddingInlineStart: 20 * depth }}>
      {holds ? (
        <CheckCircleTwoTone twoToneColor="#15803d" aria-label={t('why.holds')} style={{ marginTop: 4 }} />
      ) : (
        <CloseCircleTwoTone twoToneColor="#dc2626" aria-label={t('why.fails')} style={{ marginTop: 4 }} />
      )}
      <div>
        {opens ? (
          <Typography.Text type="secondary" style={{ display: 'block' }}>
            {t('why.ofSegment', { segment: idOf(segmentVersion ?? '') })}
            {asOf ? (
              <>
                {' · '}
                {t('preview.asOf')} <Day date={asOf} />
              </>
            ) : null}
          </Typography.Text>
        ) : null}
        <Typography.Text strong={decides}>{condition ? say(rule, description) : label(kind)}</Typography.Text>
        {decides && condition ? (
          <Tag color="blue" style={{ marginInlineStart: 8 }}>
            {t('why.decided')}
          </Tag>
        ) : null}
        {values.map((value, index) => (
          <Value key={`${value.attribute} ${index}`} part={part} value={value} />
        ))}
      </div>
    </Flex>
  );
}

interface ExplanationProps {
  /** `parties/{uuid}`. */
  party: string;
  /** `segments/{id}`, or a version of it. */
  segment: string;
  /** `1994-03-31`, or empty for the day of the segment. */
  asOf?: string;
}

/** Why a customer is in a segment, or not: the rule part by part with the customer's own values. */
export function Explanation({ party, segment, asOf = '' }: ExplanationProps) {
  const { t, label, language } = useWords();
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ['explain-membership', party, segment, asOf],
    queryFn: ({ signal }) => explainMembership(party, segment, dayFromIso(asOf), signal),
    retry: false,
  });
  const parts = data?.parts ?? [];
  const decided = useDecided()(parts);
  if (error) return <Failed error={error} retry={() => void refetch()} />;
  if (isPending) return <Skeleton active title={false} />;
  return (
    <Flex vertical gap={12} data-testid="membership-explanation" aria-live="polite">
      <Flex gap={8} align="center" wrap>
        <PartyName name={data.party} />
        <Tag color={data.belongs ? 'green' : 'red'}>{data.belongs ? t('why.belongs') : t('why.belongsNot')}</Tag>
        <strong>{label(data.reason)}</strong>
      </Flex>
      {language === 'en' ? <Typography.Text type="secondary">{data.summary}</Typography.Text> : null}
      {language !== 'en' && decided ? (
        <Typography.Text type="secondary">{t('why.because', { parts: decided })}</Typography.Text>
      ) : null}
      {data.belongs !== data.member ? <Typography.Text type="warning">{t('why.waits')}</Typography.Text> : null}
      <Flex vertical gap={8}>
        {parts.map((part, index) => (
          <Part
            key={`${part.kind} ${part.description} ${index}`}
            part={part}
            opens={
              Boolean(part.segmentVersion) &&
              part.depth > (parts[index - 1]?.depth ?? 0) &&
              part.segmentVersion !== parts[index - 1]?.segmentVersion
            }
          />
        ))}
      </Flex>
      <Typography.Text type="secondary">
        {t('preview.asOf')} <Day date={data.asOf} />
        {data.enterTime ? (
          <>
            {' · '}
            {t('segment.entered')} <When time={data.enterTime} />
          </>
        ) : null}
      </Typography.Text>
    </Flex>
  );
}
