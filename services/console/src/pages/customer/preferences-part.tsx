import { useQuery } from '@tanstack/react-query';
import { Button, Descriptions, Form, Input, Modal, Select, Typography } from 'antd';
import { useState } from 'react';
import type { Party } from '../../api/customer.js';
import { getPreferences, type Preferences, setPreferences } from '../../api/household.js';
import { channels } from '../../api/types.js';
import { idOf } from '../../shared/format.js';
import { useSession } from '../../shared/session-context.js';
import { useWrite } from '../../shared/use-write.js';
import { useWords } from '../../shared/words.js';
import { Part } from './part.js';

const days = ['MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY', 'SUNDAY'];
const none = 'CHANNEL_UNSPECIFIED';
const hour = /^([01][0-9]|2[0-3]):[0-5][0-9]$/;

interface Fields {
  channel: string;
  days: string[];
  start?: string;
  end?: string;
  topics: string[];
}

/** How the customer likes to be served; it narrows what consents allow. */
export function PreferencesPart({ party }: { party: Party }) {
  const { t, label, code } = useWords();
  const { may } = useSession();
  const id = idOf(party.name);
  const [edits, setEdits] = useState(false);
  const [form] = Form.useForm<Fields>();
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ['party', id, 'preferences'],
    queryFn: ({ signal }) => getPreferences(id, signal),
  });
  const preferences = data?.preferences;
  const save = useWrite((wish: Omit<Preferences, 'updateTime'>) => setPreferences(id, wish), {
    done: t('preferences.saved'),
    reload: [['party', id, 'preferences']],
    after: () => setEdits(false),
  });
  const windows = preferences?.contactWindows ?? [];
  const [first] = windows;
  const submit = ({ channel, days: on, start, end, topics }: Fields): void =>
    save.mutate({
      channel,
      // Hours beyond the first were set elsewhere, and stay.
      contactWindows: [...(start && end ? [{ days: on, start, end }] : []), ...windows.slice(1)],
      topics,
      etag: preferences?.etag ?? '',
    });
  return (
    <Part
      title={t('preferences.title')}
      asOf={preferences?.updateTime}
      action={
        preferences && may('changePreferences') ? (
          <Button size="small" onClick={() => setEdits(true)}>
            {t('preferences.change')}
          </Button>
        ) : null
      }
      loading={isPending}
      error={error}
      retry={() => void refetch()}
    >
      {preferences && !preferences.updateTime ? (
        <Typography.Paragraph type="secondary">{t('preferences.none')}</Typography.Paragraph>
      ) : null}
      <Descriptions
        size="small"
        column={1}
        items={[
          { key: 'language', label: t('party.language'), children: code(party.language) || '–' },
          {
            key: 'channel',
            label: t('preferences.channel'),
            children: preferences && preferences.channel !== none ? label(preferences.channel) : '–',
          },
          {
            key: 'hours',
            label: t('preferences.hours'),
            children:
              windows
                .map(
                  ({ days: on, start, end }) => `${on.map(label).join(', ') || t('preferences.daily')} ${start}–${end}`,
                )
                .join('; ') || t('preferences.anyTime'),
          },
          { key: 'topics', label: t('preferences.topics'), children: preferences?.topics.map(code).join(', ') || '–' },
        ]}
      />
      <Modal
        open={edits}
        title={t('preferences.change')}
        okText={t('common.save')}
        cancelText={t('common.cancel')}
        confirmLoading={save.isPending}
        onOk={() => form.submit()}
        onCancel={() => setEdits(false)}
        destroyOnHidden
      >
        <Form<Fields>
          form={form}
          layout="vertical"
          initialValues={{
            channel: preferences?.channel ?? none,
            days: first?.days ?? [],
            start: first?.start ?? '',
            end: first?.end ?? '',
            topics: preferences?.topics ?? [],
          }}
          onFinish={submit}
        >
          <Form.Item name="channel" label={t('preferences.channel')}>
            <Select options={[none, ...channels].map((value) => ({ value, label: label(value) }))} />
          </Form.Item>
          <Form.Item name="days" label={t('preferences.days')} extra={t('preferences.daysHint')}>
            <Select mode="multiple" options={days.map((value) => ({ value, label: label(value) }))} />
          </Form.Item>
          <Form.Item
            name="start"
            label={t('preferences.start')}
            extra={t('preferences.hoursHint')}
            rules={[{ pattern: hour, message: t('preferences.hoursHint') }]}
          >
            <Input maxLength={5} />
          </Form.Item>
          <Form.Item
            name="end"
            label={t('preferences.end')}
            dependencies={['start']}
            rules={[
              { pattern: /^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$/, message: t('preferences.hoursHint') },
              ({ getFieldValue }) => ({
                validator: (_, end: string) => {
                  const start = (getFieldValue('start') as string | undefined) ?? '';
                  const fits = start ? Boolean(end) && end > start : !end;
                  return fits ? Promise.resolve() : Promise.reject(new Error(t('preferences.order')));
                },
              }),
            ]}
          >
            <Input maxLength={5} />
          </Form.Item>
          <Form.Item
            name="topics"
            label={t('preferences.topics')}
            extra={t('preferences.topicsHint')}
            rules={[
              {
                type: 'array',
                defaultField: { pattern: /^[a-z][a-z0-9_]{0,39}$/ },
                message: t('preferences.topicsHint'),
              },
            ]}
          >
            <Select mode="tags" open={false} />
          </Form.Item>
        </Form>
      </Modal>
    </Part>
  );
}
