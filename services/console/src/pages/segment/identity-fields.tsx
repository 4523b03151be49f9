import { Col, Form, Input, Row } from 'antd';
import { useWords } from '../../shared/words.js';

/** The fields of a form that say what something new is called, its id (`longest` characters at most) and where it belongs. */
export function IdentityFields({ idField, longest }: { idField: string; longest: number }) {
  const { t } = useWords();
  const form = new RegExp(`^[a-z]([a-z0-9-]{0,${longest - 2}}[a-z0-9])?$`);
  return (
    <Row gutter={16}>
      <Col xs={24} md={10}>
        <Form.Item name="title" label={t('segment.title')} rules={[{ required: true }]}>
          <Input maxLength={200} autoFocus />
        </Form.Item>
      </Col>
      <Col xs={24} md={8}>
        <Form.Item
          name={idField}
          label={t('segment.id')}
          rules={[{ required: true }, { pattern: form, message: t('segment.idHint') }]}
        >
          <Input maxLength={longest} />
        </Form.Item>
      </Col>
      <Col xs={24} md={6}>
        <Form.Item
          name="organisationPath"
          label={t('party.organisationPath')}
          rules={[{ required: true }, { pattern: /^(\/|(\/[a-z0-9_-]+)+)$/, message: t('common.pathHint') }]}
        >
          <Input maxLength={200} />
        </Form.Item>
      </Col>
    </Row>
  );
}
