import { Button, Flex, Form, Input, InputNumber, Segmented, Select, Switch, Typography } from 'antd';
import type { SchemePlan, Tier } from '../../api/schemes.js';
import { useWords } from '../../shared/words.js';
import { GroupInput } from './group-input.js';
import { useNumbers, ValueInput } from './value-input.js';

interface EditorProps<K extends keyof SchemePlan> {
  plan: NonNullable<SchemePlan[K]>;
  onChange: (plan: NonNullable<SchemePlan[K]>) => void;
}

const limits = ['enterAssets', 'keepAssets', 'enterProfit', 'keepProfit'] as const;

/** Value tiers from the lowest: from where one comes up, and from where one stays. */
export function TiersEditor({ plan, onChange }: EditorProps<'tiers'>) {
  const { t } = useWords();
  const { tiers } = plan;
  const put = (at: number, tier: Tier): void =>
    onChange({ ...plan, tiers: tiers.map((one, index) => (index === at ? tier : one)) });
  return (
    <Form layout="vertical">
      <Form.Item label={t('scheme.assets')}>
        <ValueInput
          label={t('scheme.assets')}
          value={plan.assets}
          onChange={(assets) => onChange({ ...plan, assets })}
        />
      </Form.Item>
      <Form.Item label={t('scheme.profit')} extra={t('scheme.profitHint')}>
        <ValueInput
          label={t('scheme.profit')}
          value={plan.profit}
          onChange={(profit) => onChange({ ...plan, profit })}
        />
      </Form.Item>
      <Flex gap={24} wrap>
        {plan.profit ? (
          <Form.Item label={t('scheme.match')}>
            <Segmented
              value={plan.match}
              options={[
                { value: 'TIER_MATCH_ANY', label: t('scheme.matchAny') },
                { value: 'TIER_MATCH_ALL', label: t('scheme.matchAll') },
              ]}
              onChange={(match) => onChange({ ...plan, match })}
            />
          </Form.Item>
        ) : null}
        <Form.Item label={t('scheme.grace')} extra={t('scheme.graceHint')}>
          <InputNumber
            min={0}
            max={1000}
            precision={0}
            value={plan.graceDays}
            aria-label={t('scheme.grace')}
            suffix={t('rule.days')}
            onChange={(days) => onChange({ ...plan, graceDays: days ?? 0 })}
          />
        </Form.Item>
      </Flex>
      {tiers.map((tier, index) => (
        // eslint-disable-next-line react/no-array-index-key
        <Flex key={index} vertical gap={4} style={{ marginBottom: 16 }}>
          <Flex gap={8} align="center" wrap>
            <GroupInput group={tier.group} index={index} onChange={(group) => put(index, { ...tier, group })} />
            {index > 0 && tiers.length > 2 ? (
              <Button
                size="small"
                aria-label={t('scheme.removeGroup')}
                onClick={() => onChange({ ...plan, tiers: tiers.filter((_, at) => at !== index) })}
              >
                ×
              </Button>
            ) : null}
          </Flex>
          {index === 0 ? (
            <Typography.Text type="secondary">{t('scheme.lowestTier')}</Typography.Text>
          ) : (
            <Flex gap={8} wrap>
              {limits
                .filter((limit) => plan.profit || limit.endsWith('Assets'))
                .map((limit) => (
                  <InputNumber
                    key={limit}
                    value={tier[limit] ?? null}
                    prefix={t(`scheme.${limit}`)}
                    aria-label={t(`scheme.${limit}`)}
                    style={{ width: 230 }}
                    onChange={(value) => {
                      const { [limit]: _, ...rest } = tier;
                      put(index, value === null ? rest : { ...rest, [limit]: value });
                    }}
                  />
                ))}
            </Flex>
          )}
          <Select
            mode="tags"
            value={tier.privileges.map(({ title }) => title)}
            open={false}
            suffixIcon={null}
            aria-label={t('scheme.privileges')}
            placeholder={t('scheme.privileges')}
            onChange={(titles: string[]) =>
              put(index, {
                ...tier,
                privileges: titles.map((title, at) => {
                  const known = tier.privileges.find((one) => one.title === title);
                  const code = title
                    .toLowerCase()
                    .replaceAll(/[^a-z0-9]+/g, '-')
                    .replaceAll(/^[^a-z]+|-+$/g, '');
                  return known ?? { code: code.slice(0, 40) || `privilege-${at + 1}`, title, titleZh: '' };
                }),
              })
            }
          />
        </Flex>
      ))}
      <Button
        size="small"
        disabled={tiers.length >= 10}
        onClick={() => {
          const group = { groupId: `tier-${tiers.length + 1}`, title: '', titleZh: '' };
          const enterAssets = 2 * (tiers.at(-1)?.enterAssets ?? 10_000);
          onChange({
            ...plan,
            tiers: [...tiers, { group, enterAssets, keepAssets: enterAssets * 0.8, privileges: [] }],
          });
        }}
      >
        {t('scheme.addTier')}
      </Button>
    </Form>
  );
}

interface FeaturesProps {
  features: readonly string[];
  most: number;
  onChange: (features: string[]) => void;
}

/** The numbers to compare by; further ones are typed as rules write them. */
function Features({ features, most, onChange }: FeaturesProps) {
  const { t } = useWords();
  const numbers = useNumbers();
  return (
    <Form.Item label={t('scheme.features')} extra={t('scheme.featuresHint')}>
      <Select
        mode="tags"
        maxCount={most}
        value={[...features]}
        options={numbers}
        aria-label={t('scheme.features')}
        showSearch={{ optionFilterProp: 'label' }}
        onChange={onChange}
      />
    </Form.Item>
  );
}

/** Which numbers make customers alike, and how many clusters. */
export function ClustersEditor({ plan, onChange }: EditorProps<'clusters'>) {
  const { t } = useWords();
  return (
    <Form layout="vertical">
      <Features features={plan.features} most={12} onChange={(features) => onChange({ ...plan, features })} />
      <Flex gap={24} wrap>
        <Form.Item label={t('scheme.clusters')} extra={t('scheme.clustersHint')}>
          <InputNumber
            min={0}
            max={12}
            precision={0}
            value={plan.clusters}
            aria-label={t('scheme.clusters')}
            onChange={(clusters) => onChange({ ...plan, clusters: clusters ?? 0 })}
          />
        </Form.Item>
        <Form.Item label={t('scheme.seed')} extra={t('scheme.seedHint')}>
          <InputNumber
            min={0}
            max={4_294_967_295}
            precision={0}
            value={plan.seed}
            aria-label={t('scheme.seed')}
            onChange={(seed) => onChange({ ...plan, seed: seed ?? 0 })}
          />
        </Form.Item>
      </Flex>
    </Form>
  );
}

/** Whom to resemble, by which numbers, and how many to take. */
export function LookalikeEditor({ plan, onChange }: EditorProps<'lookalike'>) {
  const { t } = useWords();
  const { top: _top, threshold: _threshold, share: _share, ...rest } = plan;
  const cut = plan.threshold !== undefined ? 'score' : plan.share !== undefined ? 'share' : 'top';
  const beginning = { top: { top: '100' }, share: { share: 0.05 }, score: { threshold: 0.8 } } as const;
  return (
    <Form layout="vertical">
      <Form.Item label={t('scheme.seedRule')} extra={t('scheme.seedRuleHint')}>
        <Input.TextArea
          className="rule-text"
          autoSize
          spellCheck={false}
          value={plan.seedRule}
          aria-label={t('scheme.seedRule')}
          onChange={({ target }) => onChange({ ...plan, seedRule: target.value })}
        />
      </Form.Item>
      <Features features={plan.features} most={20} onChange={(features) => onChange({ ...plan, features })} />
      <Flex gap={24} wrap align="flex-end">
        <Form.Item label={t('scheme.cut')}>
          <Flex gap={8}>
            <Segmented
              value={cut}
              options={[
                { value: 'top', label: t('scheme.cutTop') },
                { value: 'share', label: t('scheme.cutShare') },
                { value: 'score', label: t('scheme.cutScore') },
              ]}
              onChange={(next: keyof typeof beginning) => onChange({ ...rest, ...beginning[next] })}
            />
            {cut === 'share' ? (
              <InputNumber
                min={0.1}
                max={100}
                step={1}
                suffix="%"
                value={Math.round((plan.share ?? 0.05) * 1000) / 10}
                aria-label={t('scheme.cutShare')}
                onChange={(percent) => onChange({ ...rest, share: (percent ?? 5) / 100 })}
              />
            ) : cut === 'score' ? (
              <InputNumber
                min={0.01}
                max={1}
                step={0.05}
                value={plan.threshold ?? 0.8}
                aria-label={t('scheme.cutScore')}
                onChange={(threshold) => onChange({ ...rest, threshold: threshold ?? 0.8 })}
              />
            ) : (
              <InputNumber
                min={1}
                max={100_000_000}
                precision={0}
                value={Number(plan.top ?? 100)}
                aria-label={t('scheme.cutTop')}
                onChange={(top) => onChange({ ...rest, top: String(top ?? 1) })}
              />
            )}
          </Flex>
        </Form.Item>
        <Form.Item label={t('scheme.keepSeed')}>
          <Switch
            checked={plan.keepSeed}
            aria-label={t('scheme.keepSeed')}
            onChange={(keepSeed) => onChange({ ...plan, keepSeed })}
          />
        </Form.Item>
      </Flex>
    </Form>
  );
}
