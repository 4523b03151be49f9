import { Button, Flex, Form, Slider, Switch, Typography } from 'antd';
import type { RfmGroup, SchemePlan } from '../../api/schemes.js';
import { useWords } from '../../shared/words.js';
import { GroupInput } from './group-input.js';
import { useGroupTitle } from './group-title.js';
import { usualRfm } from './plans.js';
import { ValueInput } from './value-input.js';

type RfmPlan = NonNullable<SchemePlan['rfm']>;

const scores = [1, 2, 3, 4, 5] as const;
const colours = [
  ...['#99d5cf', '#f6c9ac', '#c3bdf0', '#f3d79b', '#f0bcd3', '#a9d3ef', '#c9dfa3', '#d8c4f5', '#f5b5b0', '#b8c7cc'],
  ...['#e6e29a', '#a7e0b8', '#d9b99b'],
];

/** The group that a pair of scores falls into: the first that fits; -1 for none. */
const groupAt = (groups: readonly RfmGroup[], recency: number, value: number): number =>
  groups.findIndex(
    (one) => recency >= one.recencyFrom && recency <= one.recencyTo && value >= one.valueFrom && value <= one.valueTo,
  );

/** Which pair of scores makes which group: five by five. */
function Grid({ groups }: { groups: readonly RfmGroup[] }) {
  const { t } = useWords();
  const titleOf = useGroupTitle();
  return (
    <table className="rfm-grid" aria-label={t('rfmGroups.grid')} style={{ borderCollapse: 'collapse', fontSize: 12 }}>
      <thead>
        <tr>
          <th scope="col">{t('rfmGroups.valueRecency')}</th>
          {scores.map((recency) => (
            <th key={recency} scope="col" style={{ width: 110 }}>
              {`${t('rfmGroups.recency')} ${recency}`}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {scores.toReversed().map((value) => (
          <tr key={value}>
            <th scope="row">{`${t('rfmGroups.value')} ${value}`}</th>
            {scores.map((recency) => {
              const index = groupAt(groups, recency, value);
              return (
                <td
                  key={recency}
                  style={{
                    border: '1px solid #d5dcdc',
                    padding: '6px 8px',
                    textAlign: 'center',
                    color: index < 0 ? '#b91c1c' : '#1f2937',
                    background: index < 0 ? '#fff' : colours[index % colours.length],
                  }}
                >
                  {index < 0 ? t('rfmGroups.nobody') : titleOf(groups[index]?.group)}
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The groups, each a rectangle of scores; the first that fits wins, so that their order counts. */
function Groups({ groups, onChange }: { groups: readonly RfmGroup[]; onChange: (groups: RfmGroup[]) => void }) {
  const { t } = useWords();
  const put = (at: number, one: RfmGroup): void => onChange(groups.map((old, index) => (index === at ? one : old)));
  const swap = (at: number): void =>
    onChange(groups.map((one, index) => (index === at ? groups[at - 1] : index === at - 1 ? groups[at] : one) ?? one));
  const range = (label: string, from: number, to: number, set: (from: number, to: number) => void) => (
    <Flex align="center" gap={8}>
      <Typography.Text type="secondary">{label}</Typography.Text>
      <Slider
        range
        min={1}
        max={5}
        value={[from, to]}
        style={{ width: 130 }}
        marks={{ 1: '1', 5: '5' }}
        ariaLabelForHandle={[`${label} ${t('rfmGroups.from')}`, `${label} ${t('rfmGroups.to')}`]}
        onChange={([low = 1, high = 5]) => set(low, high)}
      />
    </Flex>
  );
  return (
    <Flex vertical gap={12}>
      {groups.map((one, index) => (
        // eslint-disable-next-line react/no-array-index-key
        <Flex key={index} gap={12} align="center" wrap>
          <span
            aria-hidden
            style={{ width: 14, height: 14, borderRadius: 3, background: colours[index % colours.length] }}
          />
          <GroupInput group={one.group} index={index} onChange={(group) => put(index, { ...one, group })} />
          {range(t('rfmGroups.recency'), one.recencyFrom, one.recencyTo, (recencyFrom, recencyTo) =>
            put(index, { ...one, recencyFrom, recencyTo }),
          )}
          {range(t('rfmGroups.value'), one.valueFrom, one.valueTo, (valueFrom, valueTo) =>
            put(index, { ...one, valueFrom, valueTo }),
          )}
          <Button size="small" disabled={index === 0} aria-label={t('rfmGroups.earlier')} onClick={() => swap(index)}>
            ↑
          </Button>
          <Button
            size="small"
            disabled={groups.length === 1}
            aria-label={t('scheme.removeGroup')}
            onClick={() => onChange(groups.filter((_, at) => at !== index))}
          >
            ×
          </Button>
        </Flex>
      ))}
      <Button
        size="small"
        disabled={groups.length >= 30}
        style={{ alignSelf: 'flex-start' }}
        onClick={() => {
          const group = { groupId: `group-${groups.length + 1}`, title: '', titleZh: '' };
          onChange([...groups, { group, recencyFrom: 1, recencyTo: 5, valueFrom: 1, valueTo: 5 }]);
        }}
      >
        {t('scheme.addGroup')}
      </Button>
    </Flex>
  );
}

/** How lately, how often, with how much; and which scores make which group. The usual where nothing is said. */
export function RfmEditor({ plan, onChange }: { plan: RfmPlan; onChange: (plan: RfmPlan) => void }) {
  const { t } = useWords();
  const usual = {
    recency: 'tx.last_days()',
    frequency: 'tx.count(duration("8760h"))',
    monetary: 'tx.sum("credit", duration("8760h"))',
  };
  const own = (plan.groups?.length ?? 0) > 0;
  const groups = own ? (plan.groups ?? []) : usualRfm;
  return (
    <Form layout="vertical">
      {(['recency', 'frequency', 'monetary'] as const).map((measure) => (
        <Form.Item key={measure} label={t(`scheme.${measure}`)}>
          <ValueInput
            label={t(`scheme.${measure}`)}
            value={plan[measure]}
            placeholder={usual[measure]}
            onChange={(value) => onChange({ ...plan, [measure]: value })}
          />
        </Form.Item>
      ))}
      <Typography.Paragraph type="secondary">{t('scheme.rfmNote')}</Typography.Paragraph>
      <Flex vertical gap={16}>
        <Flex gap={8} align="center">
          <Switch
            size="small"
            checked={own}
            aria-label={t('rfmGroups.own')}
            onChange={(wanted) => {
              const { groups: _, ...rest } = plan;
              onChange(wanted ? { ...rest, groups: [...usualRfm] } : rest);
            }}
          />
          <span>{t('rfmGroups.own')}</span>
        </Flex>
        <div style={{ overflowX: 'auto' }}>
          <Grid groups={groups} />
        </div>
        {own ? <Groups groups={groups} onChange={(next) => onChange({ ...plan, groups: next })} /> : null}
      </Flex>
    </Form>
  );
}
