import { CheckCircleTwoTone, CloseCircleTwoTone } from '@ant-design/icons';
import { useQuery } from '@tanstack/react-query';
import { Flex, Skeleton, Tag, Typography } from 'antd';
import { explainMembership, type RulePart } from '../../api/segment-life.js';
import { getSegment } from '../../api/segmentation.js';
import { describeLeaf } from '../../rule/describe-rule.js';
import { leavesOf } from '../../rule/leaves.js';
import { readCel } from '../../rule/read-cel.js';
import { Failed } from '../../shared/failed.js';
import { dayFromIso, formatDay, formatNumber, idOf } from '../../shared/format.js';
import { useSession } from '../../shared/session-context.js';
import { Day, PartyName, When } from '../../shared/show.js';
import { useCatalogue, useNaming } from '../../shared/use-catalogue.js';
import { useWords } from '../../shared/words.js';

/** The conditions of a rule in Chinese, in their order; none when the rule cannot be taken apart here as it is there. */
function useConditionWords(rule: string, parts: readonly RulePart[]): string[] {
  const { language } = useWords();
  const { naming, byKey } = useNaming(language !== 'en');
  if (language === 'en') return [];
  const tree = readCel(rule);
  const leaves = tree ? leavesOf(tree) : [];
  const conditions = parts.filter(({ kind }) => kind === 'RULE_PART_KIND_CONDITION');
  if (leaves.length !== conditions.length) return [];
  const plain: Record<string, string> = { 'not in': 'in', 'is false': 'is true' };
  return leaves.map((leaf, index) => {
    const before = parts[parts.indexOf(conditions[index] as RulePart) - 1];
    // The builder keeps `!a` as one line; the explanation has the `!` as a part of its own.
    const negated = before?.kind === 'RULE_PART_KIND_NOT';
    const operator = negated ? (plain[leaf.operator] ?? leaf.operator) : leaf.operator;
    return describeLeaf({ ...leaf, operator }, byKey, naming);
  });
}

interface PartProps {
  part: RulePart;
  words: string | undefined;
}

/** One part of the rule: whether it holds, whether it decided, and the customer's own values. */
function Part({ part, words }: PartProps) {
  const { t, label, language, code } = useWords();
  const { byKey, titleOf, unitOf } = useCatalogue();
  const { kind, depth, description, holds, decides, values } = part;
  const condition = kind === 'RULE_PART_KIND_CONDITION';
  const shown = (attribute: string, value: string): string => {
    const spec = byKey.get(attribute);
    if (spec?.type === 'ATTRIBUTE_TYPE_DATE') {
      const day = dayFromIso(value);
      return day ? formatDay(day, language) : value;
    }
    if (spec?.type !== 'ATTRIBUTE_TYPE_INT' && spec?.type !== 'ATTRIBUTE_TYPE_DOUBLE') return code(value);
    return `${formatNumber(Number(value), language)} ${unitOf(spec)}`.trim();
  };
  return (
    <Flex gap={8} align="flex-start" style={{ paddingInlineStart: 20 * depth }}>
      {holds ? (
        <CheckCircleTwoTone twoToneColor="#15803d" aria-label={t('why.holds')} style={{ marginTop: 4 }} />
      ) : (
        <CloseCircleTwoTone twoToneColor="#dc2626" aria-label={t('why.fails')} style={{ marginTop: 4 }} />
      )}
      <div>
        <Typography.Text strong={decides}>{condition ? (words ?? description) : label(kind)}</Typography.Text>
        {decides && condition ? (
          <Tag color="blue" style={{ marginInlineStart: 8 }}>
            {t('why.decided')}
          </Tag>
        ) : null}
        {values.map(({ attribute, description: what, value, missing, masked }, index) => (
          <div key={`${attribute} ${index}`}>
            <Typography.Text type="secondary">
              {language === 'en' ? what : titleOf(attribute)}:{' '}
              {masked ? t('why.masked') : missing ? t('why.missing') : <strong>{shown(attribute, value)}</strong>}
            </Typography.Text>
          </div>
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
  const { may } = useSession();
  const { t, label, language } = useWords();
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ['explain-membership', party, segment, asOf],
    queryFn: ({ signal }) => explainMembership(party, segment, dayFromIso(asOf), signal),
    retry: false,
  });
  const version = useQuery({
    queryKey: ['segment', data?.segmentVersion],
    queryFn: ({ signal }) => getSegment(idOf(data?.segmentVersion ?? ''), signal),
    enabled: data !== undefined && language !== 'en' && may('viewSegments'),
  });
  const parts = data?.parts ?? [];
  const words = useConditionWords(version.data?.version.rule ?? '', parts);
  if (error) return <Failed error={error} retry={() => void refetch()} />;
  if (isPending) return <Skeleton active title={false} />;
  const conditions = parts.filter(({ kind }) => kind === 'RULE_PART_KIND_CONDITION');
  return (
    <Flex vertical gap={12} data-testid="membership-explanation" aria-live="polite">
      <Flex gap={8} align="center" wrap>
        <PartyName name={data.party} />
        <Tag color={data.belongs ? 'green' : 'red'}>{data.belongs ? t('why.belongs') : t('why.belongsNot')}</Tag>
        <strong>{label(data.reason)}</strong>
      </Flex>
      {language === 'en' ? <Typography.Text type="secondary">{data.summary}</Typography.Text> : null}
      {data.belongs !== data.member ? <Typography.Text type="warning">{t('why.waits')}</Typography.Text> : null}
      <Flex vertical gap={8}>
        {parts.map((part, index) => (
          <Part key={`${part.kind} ${part.description} ${index}`} part={part} words={words[conditions.indexOf(part)]} />
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
