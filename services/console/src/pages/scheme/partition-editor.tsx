import { Button, Flex, Input, InputNumber, Switch, Typography } from 'antd';
import type { GroupTitle, SchemePlan } from '../../api/schemes.js';
import { useWords } from '../../shared/words.js';
import { GroupInput } from './group-input.js';
import { ValueInput } from './value-input.js';

const nameless = (index: number): GroupTitle => ({ groupId: `group-${index + 1}`, title: '', titleZh: '' });

function Remove({ onClick }: { onClick: () => void }) {
  const { t } = useWords();
  return (
    <Button size="small" title={t('scheme.removeGroup')} aria-label={t('scheme.removeGroup')} onClick={onClick}>
      ×
    </Button>
  );
}

interface OptionalProps {
  label: string;
  group: GroupTitle | undefined;
  beginning: GroupTitle;
  onChange: (group: GroupTitle | undefined) => void;
}

/** A group for whoever none of the others takes; it may be left out. */
function OptionalGroup({ label, group, beginning, onChange }: OptionalProps) {
  return (
    <Flex gap={8} align="center" wrap>
      <Switch
        size="small"
        checked={group !== undefined}
        aria-label={label}
        onChange={(wanted) => onChange(wanted ? beginning : undefined)}
      />
      <span>{label}</span>
      {group ? <GroupInput group={group} index={99} onChange={onChange} /> : null}
    </Flex>
  );
}

/** The same list with one item changed, or without it. */
const changed = <T,>(list: readonly T[], at: number, next?: T): T[] =>
  list.flatMap((one, index) => (index === at ? (next === undefined ? [] : [next]) : [one]));

interface BandsProps {
  plan: NonNullable<SchemePlan['bands']>;
  onChange: (plan: NonNullable<SchemePlan['bands']>) => void;
}

/** Bands of one number: each begins where the one before ends. */
export function BandsEditor({ plan, onChange }: BandsProps) {
  const { t } = useWords();
  const { feature, bands, missing } = plan;
  return (
    <Flex vertical gap={12}>
      <Flex vertical gap={4}>
        <Typography.Text>{t('scheme.feature')}</Typography.Text>
        <ValueInput
          label={t('scheme.feature')}
          value={feature}
          onChange={(next) => onChange({ ...plan, feature: next })}
        />
      </Flex>
      {bands.map((band, index) => (
        // eslint-disable-next-line react/no-array-index-key
        <Flex key={index} gap={8} align="center" wrap>
          {index === 0 ? (
            <Typography.Text type="secondary" style={{ width: 150 }}>
              {t('scheme.lowest')}
            </Typography.Text>
          ) : (
            <InputNumber
              value={band.from ?? null}
              prefix={t('scheme.from')}
              aria-label={t('scheme.from')}
              style={{ width: 150 }}
              onChange={(from) => onChange({ ...plan, bands: changed(bands, index, { ...band, from: from ?? 0 }) })}
            />
          )}
          <GroupInput
            group={band.group}
            index={index}
            onChange={(group) => onChange({ ...plan, bands: changed(bands, index, { ...band, group }) })}
          />
          {index > 0 ? <Remove onClick={() => onChange({ ...plan, bands: changed(bands, index) })} /> : null}
        </Flex>
      ))}
      <Button
        size="small"
        style={{ alignSelf: 'flex-start' }}
        onClick={() => {
          const from = (bands.at(-1)?.from ?? 0) + 10;
          onChange({ ...plan, bands: [...bands, { group: nameless(bands.length), from }] });
        }}
      >
        {t('scheme.addGroup')}
      </Button>
      <OptionalGroup
        label={t('scheme.missing')}
        group={missing}
        beginning={{ groupId: 'unknown', title: 'Unknown', titleZh: '未知' }}
        onChange={(group) => {
          const { missing: _, ...rest } = plan;
          onChange(group ? { ...rest, missing: group } : rest);
        }}
      />
    </Flex>
  );
}

interface RulesProps {
  plan: NonNullable<SchemePlan['rules']>;
  onChange: (plan: NonNullable<SchemePlan['rules']>) => void;
}

/** Groups of free rules: everybody has to match exactly one. */
export function RulesEditor({ plan, onChange }: RulesProps) {
  const { t } = useWords();
  const { groups, otherwise } = plan;
  return (
    <Flex vertical gap={12}>
      {groups.map((one, index) => (
        // eslint-disable-next-line react/no-array-index-key
        <Flex key={index} vertical gap={4}>
          <Flex gap={8} align="center">
            <GroupInput
              group={one.group}
              index={index}
              onChange={(group) => onChange({ ...plan, groups: changed(groups, index, { ...one, group }) })}
            />
            {groups.length > 1 ? (
              <Remove onClick={() => onChange({ ...plan, groups: changed(groups, index) })} />
            ) : null}
          </Flex>
          <Input.TextArea
            className="rule-text"
            autoSize
            spellCheck={false}
            maxLength={4000}
            value={one.rule}
            aria-label={`${t('segment.rule')} ${index + 1}`}
            placeholder={t('rule.asTextHint')}
            onChange={({ target }) =>
              onChange({ ...plan, groups: changed(groups, index, { ...one, rule: target.value }) })
            }
          />
        </Flex>
      ))}
      <Button
        size="small"
        style={{ alignSelf: 'flex-start' }}
        onClick={() => onChange({ ...plan, groups: [...groups, { group: nameless(groups.length), rule: '' }] })}
      >
        {t('scheme.addGroup')}
      </Button>
      <OptionalGroup
        label={t('scheme.otherwise')}
        group={otherwise}
        beginning={{ groupId: 'others', title: 'Others', titleZh: '其他' }}
        onChange={(group) => {
          const { otherwise: _, ...rest } = plan;
          onChange(group ? { ...rest, otherwise: group } : rest);
        }}
      />
    </Flex>
  );
}
