import { Button, Card, Col, Flex, Form, Row } from 'antd';
import { useState } from 'react';
import { useNavigate } from 'react-router';
import { createSegment } from '../../api/segmentation.js';
import { dayFromIso, idOf } from '../../shared/format.js';
import { useSession } from '../../shared/session-context.js';
import { PageHead } from '../../shared/show.js';
import { useWrite } from '../../shared/use-write.js';
import { useWords } from '../../shared/words.js';
import { AsOfPicker } from './as-of-picker.js';
import { Insight } from './insight.js';
import { Preview } from './preview.js';
import { RuleEditor } from './rule-editor.js';
import { RuleParts } from './rule-parts.js';
import { IdentityFields } from './identity-fields.js';

interface Fields {
  title: string;
  segmentId: string;
  organisationPath: string;
}

const slug = (title: string): string =>
  title
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, 60)
    .replace(/-+$/, '');

/** Makes a segment: its name, its rule, and how many it would find. */
export function NewSegmentPage() {
  const { t } = useWords();
  const { organisationPath, may } = useSession();
  const navigate = useNavigate();
  const [form] = Form.useForm<Fields>();
  const [rule, setRule] = useState('');
  const [asOf, setAsOf] = useState('');
  const path = Form.useWatch('organisationPath', form) ?? organisationPath;
  const { mutate, isPending } = useWrite(
    (fields: Fields) => {
      const day = dayFromIso(asOf);
      return createSegment({ ...fields, rule, ...(day ? { asOf: day } : {}) });
    },
    {
      done: t('segment.saved'),
      reload: [['segments']],
      after: ({ segment }) => void navigate(`/segments/${idOf(segment.name)}`),
    },
  );
  return (
    <>
      <PageHead title={t('segment.create')} />
      <Row gutter={[16, 16]}>
        <Col xs={24} xl={16}>
          <Flex vertical gap={16}>
            <Card size="small">
              <Form<Fields>
                form={form}
                layout="vertical"
                initialValues={{ organisationPath }}
                onFinish={(fields) => mutate(fields)}
                onValuesChange={(changed: Partial<Fields>) => {
                  if (changed.title !== undefined && !form.isFieldTouched('segmentId'))
                    form.setFieldValue('segmentId', slug(changed.title));
                }}
              >
                <IdentityFields idField="segmentId" longest={60} />
                <AsOfPicker value={asOf} onChange={setAsOf} />
              </Form>
            </Card>
            <RuleEditor rule={rule} onChange={setRule} />
            {may('describeRule') ? <Insight rule={rule} asOf={asOf} organisationPath={path} /> : null}
            <Flex gap={8} justify="flex-end">
              <Button onClick={() => void navigate('/segments')}>{t('common.cancel')}</Button>
              <Button type="primary" disabled={rule.trim() === ''} loading={isPending} onClick={() => form.submit()}>
                {t('segment.save')}
              </Button>
            </Flex>
          </Flex>
        </Col>
        <Col xs={24} xl={8}>
          <Flex vertical gap={16}>
            {may('previewSegment') ? <Preview rule={rule} asOf={asOf} organisationPath={path} /> : null}
            {may('describeRule') ? <RuleParts rule={rule} asOf={asOf} organisationPath={path} /> : null}
          </Flex>
        </Col>
      </Row>
    </>
  );
}
