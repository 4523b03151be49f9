import { useQuery } from '@tanstack/react-query';
import { Button, Form, Input, Modal, Popconfirm, Rate, Select } from 'antd';
import { useState } from 'react';
import { actOnCase, type Case, type CaseAction, complaintSteps } from '../../api/cases.js';
import { listStaff } from '../../api/performance.js';
import { useSession } from '../../shared/session-context.js';
import { useWrite } from '../../shared/use-write.js';
import { useWords } from '../../shared/words.js';

type Form_ = 'assign' | 'note' | 'resolve' | 'reopen' | 'survey';

interface Fields {
  assignee: string;
  text?: string;
  score: number;
}

const toAction: Record<Form_, (fields: Fields) => CaseAction> = {
  assign: ({ assignee }) => ({ verb: 'assign', assignee }),
  note: ({ text = '' }) => ({ verb: 'addNote', text }),
  resolve: ({ text = '' }) => ({ verb: 'resolve', resolution: text }),
  reopen: ({ text = '' }) => ({ verb: 'reopen', reason: text }),
  survey: ({ score, text = '' }) => ({ verb: 'answerSurvey', score, comment: text }),
};

/** The person at work and the colleagues that can be seen. */
function Assignee(props: { value?: string; onChange?: (value: string) => void }) {
  const { subject, name } = useSession();
  const { data, isPending } = useQuery({
    queryKey: ['staff'],
    queryFn: ({ signal }) => listStaff(signal),
    staleTime: 300_000,
    retry: false,
  });
  const others = (data?.staff ?? []).filter((one) => one.name !== subject);
  return (
    <Select
      {...props}
      loading={isPending}
      showSearch={{ optionFilterProp: 'label' }}
      options={[
        { value: subject, label: name },
        ...others.map((one) => ({ value: one.name, label: one.displayName || one.name })),
      ]}
    />
  );
}

/** What can be done with a case in its state. */
export function CaseActions({ id, of }: { id: string; of: Case }) {
  const { t, label } = useWords();
  const { may, subject } = useSession();
  const [open, setOpen] = useState<Form_>();
  const [form] = Form.useForm<Fields>();
  const { mutate, isPending } = useWrite((action: CaseAction) => actOnCase(of, action), {
    done: t('case.done'),
    reload: [['case', id], ['cases']],
    after: () => setOpen(undefined),
  });
  const works = may('workCases');
  const resolved = of.state === 'CASE_STATE_RESOLVED';
  const closed = of.state === 'CASE_STATE_CLOSED';
  const active = works && !resolved && !closed;
  const step = complaintSteps[complaintSteps.findIndex((one) => one === of.complaintStep) + 1];
  const survey = of.survey?.state ?? 'SURVEY_STATE_UNSPECIFIED';
  const show = (which: Form_): void => {
    form.resetFields();
    setOpen(which);
  };
  const title = open ? t(`case.forms.${open}`) : '';
  return (
    <>
      {works && !closed && of.isComplaint && step ? (
        <Popconfirm
          title={t('case.stepQuestion', { step: label(step) })}
          okText={t('common.yes')}
          cancelText={t('common.no')}
          onConfirm={() => mutate({ verb: 'advanceComplaint', step })}
        >
          <Button type="primary" disabled={isPending}>
            {t('case.step', { step: label(step) })}
          </Button>
        </Popconfirm>
      ) : null}
      {active ? <Button onClick={() => show('assign')}>{t('case.assign')}</Button> : null}
      {works ? <Button onClick={() => show('note')}>{t('case.addNote')}</Button> : null}
      {active ? (
        <Button disabled={isPending} onClick={() => mutate({ verb: of.paused ? 'resume' : 'pause' })}>
          {t(of.paused ? 'case.resume' : 'case.pause')}
        </Button>
      ) : null}
      {active ? (
        <Button
          type={of.isComplaint && step ? 'default' : 'primary'}
          disabled={of.assignee === ''}
          title={of.assignee === '' ? t('case.assignFirst') : undefined}
          onClick={() => show('resolve')}
        >
          {t('case.resolve')}
        </Button>
      ) : null}
      {works && resolved && !(of.isComplaint && step) ? (
        <Popconfirm
          title={t('case.closeQuestion')}
          okText={t('common.yes')}
          cancelText={t('common.no')}
          onConfirm={() => mutate({ verb: 'close' })}
        >
          <Button type="primary" disabled={isPending}>
            {t('case.close')}
          </Button>
        </Popconfirm>
      ) : null}
      {works && (resolved || closed) ? <Button onClick={() => show('reopen')}>{t('case.reopen')}</Button> : null}
      {works && closed && survey === 'SURVEY_STATE_UNSPECIFIED' ? (
        <Button disabled={isPending} onClick={() => mutate({ verb: 'requestSurvey' })}>
          {t('case.requestSurvey')}
        </Button>
      ) : null}
      {may('answerSurvey') && survey === 'SURVEY_STATE_REQUESTED' ? (
        <Button type="primary" onClick={() => show('survey')}>
          {t('case.answerSurvey')}
        </Button>
      ) : null}
      <Modal
        open={open !== undefined}
        title={title}
        okText={t('common.save')}
        confirmLoading={isPending}
        onOk={() => form.submit()}
        onCancel={() => setOpen(undefined)}
        destroyOnHidden
      >
        <Form<Fields>
          form={form}
          layout="vertical"
          initialValues={{ assignee: of.assignee || subject, score: 5 }}
          onFinish={(fields) => open && mutate(toAction[open](fields))}
        >
          {open === 'assign' ? (
            <Form.Item name="assignee" label={t('case.assignee')} rules={[{ required: true }]}>
              <Assignee />
            </Form.Item>
          ) : null}
          {open === 'survey' ? (
            <Form.Item name="score" label={t('case.score')} rules={[{ required: true }]}>
              <Rate />
            </Form.Item>
          ) : null}
          {open && open !== 'assign' ? (
            <Form.Item name="text" label={t(`case.texts.${open}`)} rules={[{ required: open !== 'survey' }]}>
              <Input.TextArea rows={5} maxLength={4000} />
            </Form.Item>
          ) : null}
        </Form>
      </Modal>
    </>
  );
}
