import { Button, DatePicker, Flex, Form, Input, Modal, Popconfirm, Progress, Select, Typography } from 'antd';
import type { Dayjs } from 'dayjs';
import { useState } from 'react';
import type { CustomerView } from '../../api/view.js';
import { abandonGoal, goalKinds, setGoal } from '../../api/portrait.js';
import { minorUnitsOf } from '../../shared/format.js';
import { useSession } from '../../shared/session-context.js';
import { Amount, Day, State } from '../../shared/show.js';
import { useWrite } from '../../shared/use-write.js';
import { useWords } from '../../shared/words.js';
import { Part } from './part.js';

interface Fields {
  kind: string;
  amount: string;
  currency: string;
  until?: Dayjs | null;
  holdings: string[];
}

/** What the customer saves for, and how far that is. */
export function GoalsPart({ id, view }: { id: string; view: CustomerView }) {
  const { t, label } = useWords();
  const { may } = useSession();
  const [adds, setAdds] = useState(false);
  const [form] = Form.useForm<Fields>();
  const { goals = [], asOf } = view.goals ?? {};
  const party = view.party?.party.name;
  const saved = (view.holdings?.holdings ?? []).filter(
    ({ owners, balance, status }) =>
      balance &&
      status === 'HOLDING_STATUS_OPEN' &&
      owners.some((owner) => owner.party === party && owner.role === 'HOLDING_ROLE_OWNER'),
  );
  const currencies = [...new Set(saved.map(({ balance }) => balance?.currencyCode ?? ''))];
  const reload = [['party', id]];
  const save = useWrite(
    ({ kind, amount, currency, until, holdings }: Fields) =>
      setGoal(id, {
        kind,
        target: { minorUnits: minorUnitsOf(amount, currency) ?? '0', currencyCode: currency },
        ...(until ? { targetDate: { year: until.year(), month: until.month() + 1, day: until.date() } } : {}),
        holdings,
      }),
    { done: t('goal.saved'), reload, after: () => setAdds(false) },
  );
  const abandon = useWrite(abandonGoal, { done: t('goal.abandoned'), reload });
  return (
    <Part
      title={t('goal.title')}
      asOf={asOf}
      action={
        may('changePortrait') && saved.length > 0 ? (
          <Button size="small" onClick={() => setAdds(true)}>
            {t('goal.add')}
          </Button>
        ) : null
      }
    >
      {goals.length === 0 ? <Typography.Text type="secondary">{t('goal.none')}</Typography.Text> : null}
      <Flex vertical gap={12}>
        {goals.map(({ name, kind, target, targetDate, state, progress, progressPercent }) => (
          <Flex key={name} gap={12} align="center" data-testid="goal">
            <Progress type="circle" size={48} percent={progressPercent} aria-label={label(kind)} />
            <Flex vertical flex={1}>
              <span>
                {label(kind)} <State value={state} />
              </span>
              <Typography.Text type="secondary">
                <Amount money={progress} /> / <Amount money={target} />
                {targetDate?.year ? (
                  <>
                    {' · '}
                    <Day date={targetDate} />
                  </>
                ) : null}
              </Typography.Text>
            </Flex>
            {may('changePortrait') && state === 'GOAL_STATE_ACTIVE' ? (
              <Popconfirm
                title={t('goal.abandonQuestion')}
                okText={t('common.yes')}
                cancelText={t('common.no')}
                onConfirm={() => abandon.mutate(name)}
              >
                <Button size="small">{t('goal.abandon')}</Button>
              </Popconfirm>
            ) : null}
          </Flex>
        ))}
      </Flex>
      <Modal
        open={adds}
        title={t('goal.add')}
        okText={t('common.save')}
        cancelText={t('common.cancel')}
        confirmLoading={save.isPending}
        onOk={() => form.submit()}
        onCancel={() => setAdds(false)}
        destroyOnHidden
      >
        <Form<Fields>
          form={form}
          layout="vertical"
          initialValues={{ currency: currencies[0], holdings: saved.slice(0, 1).map(({ name }) => name) }}
          onFinish={(fields) => save.mutate(fields)}
        >
          <Form.Item name="kind" label={t('goal.kind')} rules={[{ required: true }]}>
            <Select options={goalKinds.map((value) => ({ value, label: label(value) }))} />
          </Form.Item>
          <Form.Item name="currency" label={t('goal.currency')} rules={[{ required: true }]}>
            <Select options={currencies.map((value) => ({ value, label: value }))} />
          </Form.Item>
          <Form.Item
            name="amount"
            label={t('goal.amount')}
            rules={[
              { required: true },
              ({ getFieldValue }) => ({
                validator: (_, text: string) =>
                  BigInt(minorUnitsOf(text ?? '', String(getFieldValue('currency'))) ?? '0') > 0n
                    ? Promise.resolve()
                    : Promise.reject(new Error(t('goal.amountHint'))),
              }),
            ]}
          >
            <Input inputMode="decimal" maxLength={24} />
          </Form.Item>
          <Form.Item name="until" label={t('goal.until')}>
            <DatePicker />
          </Form.Item>
          <Form.Item name="holdings" label={t('goal.holdings')}>
            <Select
              mode="multiple"
              options={saved.map(({ name, kind, sourceKey }) => ({
                value: name,
                label: `${label(kind)} ${sourceKey}`,
              }))}
            />
          </Form.Item>
        </Form>
      </Modal>
    </Part>
  );
}
