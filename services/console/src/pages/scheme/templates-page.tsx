import { useMutation, useQuery } from '@tanstack/react-query';
import { Button, Card, Col, Empty, Flex, Form, InputNumber, Modal, Row, Select, Skeleton, Typography } from 'antd';
import { useState } from 'react';
import { useNavigate } from 'react-router';
import { listSegmentTemplates, renderSegmentTemplate, type SegmentTemplate } from '../../api/schemes.js';
import { Failed, useShowFailure } from '../../shared/failed.js';
import { idOf } from '../../shared/format.js';
import { useSession } from '../../shared/session-context.js';
import { PageHead } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';
import { SegmentPlaces } from '../segment/segment-places.js';

/** The families of segments that are ready to be used: chosen, set, and then seen and changed as a scheme. */
export function TemplatesPage() {
  const { t, language, code } = useWords();
  const { may } = useSession();
  const navigate = useNavigate();
  const showFailure = useShowFailure();
  const [chosen, setChosen] = useState<SegmentTemplate | undefined>();
  const [values, setValues] = useState<Record<string, string[]>>({});
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ['segment-templates'],
    queryFn: ({ signal }) => listSegmentTemplates(signal),
    staleTime: 300_000,
  });
  const said = (one: { title: string; titleZh: string }) => (language === 'zh' ? one.titleZh || one.title : one.title);
  const render = useMutation({
    mutationFn: (template: SegmentTemplate) =>
      renderSegmentTemplate(
        template.name,
        Object.entries(values)
          .filter(([, set]) => set.length > 0)
          .map(([key, set]) => ({ key, values: set })),
      ),
    onSuccess: ({ plan }, template) => {
      const title = said(template);
      const schemeId = idOf(template.name);
      void navigate('/segmentation/schemes/new', { state: { plan, title, schemeId } });
    },
    onError: showFailure,
  });
  return (
    <>
      <PageHead title={t('template.title')} note={t('template.note')} />
      <SegmentPlaces />
      {error ? <Failed error={error} retry={() => void refetch()} /> : null}
      {isPending ? <Skeleton active /> : null}
      {data?.templates.length === 0 ? <Empty description={t('template.none')} /> : null}
      <Row gutter={[16, 16]}>
        {(data?.templates ?? []).map((template) => (
          <Col key={template.name} xs={24} md={12} xl={8}>
            <Card
              size="small"
              style={{ height: '100%' }}
              title={<h2 style={{ fontSize: 15, margin: 0 }}>{said(template)}</h2>}
              extra={
                may('editSegments') ? (
                  <Button
                    size="small"
                    onClick={() => {
                      setValues(Object.fromEntries(template.parameters.map(({ key, defaults }) => [key, defaults])));
                      setChosen(template);
                    }}
                  >
                    {t('template.use')}
                  </Button>
                ) : null
              }
            >
              <Typography.Paragraph>
                {language === 'zh' ? template.descriptionZh || template.description : template.description}
              </Typography.Paragraph>
              <Typography.Text type="secondary">
                {t('template.settings')} {template.parameters.map(said).join(language === 'zh' ? '、' : ', ')}
              </Typography.Text>
            </Card>
          </Col>
        ))}
      </Row>
      <Modal
        open={chosen !== undefined}
        title={chosen ? said(chosen) : ''}
        okText={t('template.next')}
        cancelText={t('common.cancel')}
        okButtonProps={{ loading: render.isPending }}
        onOk={() => (chosen ? render.mutate(chosen) : undefined)}
        onCancel={() => setChosen(undefined)}
      >
        <Form layout="vertical">
          {(chosen?.parameters ?? []).map((parameter) => {
            const { key, type, unit } = parameter;
            const set = values[key] ?? [];
            const put = (next: string[]) => setValues({ ...values, [key]: next });
            return (
              <Form.Item
                key={key}
                label={said(parameter)}
                {...(type === 'TEMPLATE_PARAMETER_TYPE_TEXTS' ? { extra: t('template.textsHint') } : {})}
              >
                {type === 'TEMPLATE_PARAMETER_TYPE_TEXTS' ? (
                  <Select
                    mode="tags"
                    maxCount={29}
                    value={set}
                    open={false}
                    suffixIcon={null}
                    aria-label={said(parameter)}
                    onChange={put}
                  />
                ) : (
                  <InputNumber
                    stringMode
                    value={set[0] ?? null}
                    aria-label={said(parameter)}
                    style={{ width: 240 }}
                    suffix={unit ? code(unit) : undefined}
                    onChange={(number) => put(number === null ? [] : [String(number)])}
                  />
                )}
              </Form.Item>
            );
          })}
        </Form>
        <Flex>
          <Typography.Text type="secondary">{t('template.nextHint')}</Typography.Text>
        </Flex>
      </Modal>
    </>
  );
}
