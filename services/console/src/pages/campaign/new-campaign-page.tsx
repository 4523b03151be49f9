import { useQuery } from '@tanstack/react-query';
import { Button, Card, Checkbox, Empty, Flex, Form, Input, InputNumber, Select, Typography } from 'antd';
import { Link, useNavigate } from 'react-router';
import { createCampaign, listOffers, listTemplates } from '../../api/marketing.js';
import { listSegments } from '../../api/segmentation.js';
import { Failed } from '../../shared/failed.js';
import { formatCount, idOf } from '../../shared/format.js';
import { useSession } from '../../shared/session-context.js';
import { PageHead } from '../../shared/show.js';
import { useWrite } from '../../shared/use-write.js';
import { useWords } from '../../shared/words.js';

interface Fields {
  title: string;
  segmentVersion: string;
  templateVersion: string;
  offer?: string;
  purpose: string;
  onEnter: boolean;
  holdoutPercent: number;
  values?: Record<string, string>;
}

/** Makes a campaign: to whom, what, and how it is measured. It is sent only after somebody else approved it. */
export function NewCampaignPage() {
  const { t, language, code } = useWords();
  const { organisationPath } = useSession();
  const navigate = useNavigate();
  const [form] = Form.useForm<Fields>();
  const segments = useQuery({
    queryKey: ['segments', 'all'],
    queryFn: ({ signal }) => listSegments('', signal, 1000, '', { inUse: true }),
  });
  const templates = useQuery({ queryKey: ['templates'], queryFn: ({ signal }) => listTemplates(signal) });
  const offers = useQuery({ queryKey: ['offers'], queryFn: ({ signal }) => listOffers(signal) });
  const chosen = Form.useWatch('templateVersion', form);
  const template = templates.data?.templates.find(({ latestVersion }) => latestVersion?.name === chosen)?.latestVersion;
  const { mutate, isPending } = useWrite(
    ({ offer = '', values = {}, ...fields }: Fields) =>
      createCampaign({
        ...fields,
        offer,
        values: Object.fromEntries(Object.entries(values).filter(([, value]) => value)),
        channel: 'CHANNEL_EMAIL',
        organisationPath,
      }),
    {
      done: t('campaign.created'),
      reload: [['campaigns']],
      after: ({ campaign }) => void navigate(`/campaigns/${idOf(campaign.name)}`),
    },
  );
  const failed = [segments, templates, offers].find(({ error }) => error);
  const published = (segments.data?.segments ?? []).filter(({ publishedVersion }) => publishedVersion > 0);
  const variant = template?.variants.find((one) => one.language.startsWith(language)) ?? template?.variants[0];
  return (
    <>
      <PageHead title={t('campaign.create')} note={t('campaign.createNote')} />
      {failed ? <Failed error={failed.error} retry={() => void failed.refetch()} /> : null}
      <Card style={{ maxWidth: 760 }}>
        {segments.data && published.length === 0 ? (
          <Empty description={t('campaign.noSegment')}>
            <Link to="/segments">{t('menu.segments')}</Link>
          </Empty>
        ) : (
          <Form<Fields>
            form={form}
            layout="vertical"
            scrollToFirstError
            initialValues={{ purpose: 'marketing', onEnter: false, holdoutPercent: 10 }}
            onFinish={(fields) => mutate(fields)}
          >
            <Form.Item name="title" label={t('campaign.title')} rules={[{ required: true }]}>
              <Input maxLength={200} autoFocus />
            </Form.Item>
            <Form.Item
              name="segmentVersion"
              label={t('campaign.segment')}
              rules={[{ required: true }]}
              extra={t('campaign.segmentHint')}
            >
              <Select
                loading={segments.isPending}
                showSearch={{ optionFilterProp: 'label' }}
                options={published.map(({ name, title, publishedVersion, latestVersion }) => ({
                  value: `${name}@${publishedVersion}`,
                  label:
                    latestVersion?.version === publishedVersion && latestVersion.evaluateTime
                      ? `${title} (${formatCount(latestVersion.members, language)})`
                      : title,
                }))}
              />
            </Form.Item>
            <Form.Item name="templateVersion" label={t('campaign.template')} rules={[{ required: true }]}>
              <Select
                loading={templates.isPending}
                showSearch={{ optionFilterProp: 'label' }}
                notFoundContent={t('campaign.noTemplate')}
                options={(templates.data?.templates ?? []).flatMap(({ title, latestVersion }) =>
                  latestVersion ? [{ value: latestVersion.name, label: title }] : [],
                )}
              />
            </Form.Item>
            {variant ? (
              <Card size="small" style={{ marginBottom: 24 }} title={variant.subject}>
                <Typography.Text type="secondary" className="plain-text">
                  {variant.textBody}
                </Typography.Text>
              </Card>
            ) : null}
            {(template?.variables ?? []).map(({ key, required, description, example }) => (
              <Form.Item
                key={`${template?.name} ${key}`}
                name={['values', key]}
                label={key}
                extra={description}
                rules={[{ required }]}
                initialValue={example}
              >
                <Input maxLength={2000} />
              </Form.Item>
            ))}
            <Form.Item name="offer" label={t('campaign.offer')}>
              <Select
                allowClear
                loading={offers.isPending}
                options={(offers.data?.offers ?? []).map(({ name, title }) => ({ value: name, label: title }))}
              />
            </Form.Item>
            <Form.Item name="purpose" label={t('consent.purpose')} extra={t('campaign.purposeHint')}>
              <Select options={['marketing', 'service'].map((value) => ({ value, label: code(value) }))} />
            </Form.Item>
            <Form.Item name="holdoutPercent" label={t('campaign.holdout')} extra={t('campaign.holdoutHint')}>
              <InputNumber min={0} max={90} precision={0} suffix="%" />
            </Form.Item>
            <Form.Item name="onEnter" valuePropName="checked">
              <Checkbox>{t('campaign.onEnter')}</Checkbox>
            </Form.Item>
            <Flex gap={8} justify="flex-end">
              <Button onClick={() => void navigate('/campaigns')}>{t('common.cancel')}</Button>
              <Button type="primary" htmlType="submit" loading={isPending}>
                {t('campaign.save')}
              </Button>
            </Flex>
          </Form>
        )}
      </Card>
    </>
  );
}
