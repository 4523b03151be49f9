import { Card, Empty, Flex, Input, Select, Table, Tag, Tooltip, Typography } from 'antd';
import { useState } from 'react';
import type { Attribute } from '../../api/segmentation.js';
import { beginning, operatorsOf } from '../../rule/attributes.js';
import { writeLeaf } from '../../rule/write-cel.js';
import { Failed } from '../../shared/failed.js';
import { PageHead } from '../../shared/show.js';
import { useCatalogue } from '../../shared/use-catalogue.js';
import { useWords } from '../../shared/words.js';
import { SegmentPlaces } from './segment-places.js';

const classes: Record<string, string> = { DATA_CLASS_C1: 'green', DATA_CLASS_C2: 'orange', DATA_CLASS_C3: 'red' };

const familyOf = ({ key }: Attribute): string => key.split('.')[0] ?? key;

/** Every word that a rule may use: what it means, where it comes from, how fresh and how delicate it is. */
export function CataloguePage() {
  const { t, language, label, code } = useWords();
  const { attributes, titleOf, unitOf, isPending, error, refetch } = useCatalogue();
  const [words, setWords] = useState('');
  const [family, setFamily] = useState('');
  const meaning = ({ description, descriptionZh }: Attribute) =>
    language === 'zh' ? descriptionZh || description : description;
  const wanted = words.trim().toLowerCase();
  const found = attributes.filter((attribute) => {
    if (family && familyOf(attribute) !== family) return false;
    const { key, titleEn, titleZh, description, descriptionZh } = attribute;
    return `${key} ${titleEn} ${titleZh} ${description} ${descriptionZh}`.toLowerCase().includes(wanted);
  });
  const families = [...new Set(attributes.map(familyOf))];
  return (
    <>
      <PageHead title={t('catalogue.title')} note={t('catalogue.note')} />
      <SegmentPlaces />
      <Card size="small">
        <Flex gap={12} wrap style={{ marginBottom: 12 }}>
          <Input.Search
            autoFocus
            allowClear
            aria-label={t('catalogue.search')}
            placeholder={t('catalogue.search')}
            style={{ maxWidth: 420, flex: 1 }}
            onChange={(event) => setWords(event.target.value)}
          />
          <Select
            value={family}
            aria-label={t('catalogue.family')}
            style={{ minWidth: 180 }}
            options={[
              { value: '', label: t('catalogue.everyFamily') },
              ...families.map((one) => ({ value: one, label: code(`family_${one}`).replace('family_', '') })),
            ]}
            onChange={setFamily}
          />
          <Typography.Text type="secondary" style={{ alignSelf: 'center' }} aria-live="polite">
            {t('catalogue.found', { count: found.length })}
          </Typography.Text>
        </Flex>
        {error ? (
          <Failed error={error} retry={() => void refetch()} />
        ) : (
          <Table<Attribute>
            size="middle"
            rowKey="key"
            loading={isPending}
            dataSource={found}
            pagination={found.length > 25 ? { pageSize: 25 } : false}
            scroll={{ x: 'max-content' }}
            locale={{ emptyText: <Empty description={t('catalogue.none')} /> }}
            expandable={{
              expandedRowRender: (attribute) => <Details attribute={attribute} />,
              expandRowByClick: true,
            }}
            columns={[
              {
                title: t('rule.attribute'),
                render: (_, { key }) => (
                  <Flex vertical>
                    <span>{titleOf(key)}</span>
                    <Typography.Text type="secondary" className="mono">
                      {key}
                    </Typography.Text>
                  </Flex>
                ),
              },
              {
                title: t('segment.meaning'),
                render: (_, attribute) => (
                  <div style={{ maxWidth: 420, whiteSpace: 'normal' }}>{meaning(attribute)}</div>
                ),
              },
              { title: t('catalogue.type'), render: (_, { type }) => label(type) },
              { title: t('catalogue.unit'), render: (_, attribute) => unitOf(attribute) || '–' },
              {
                title: t('catalogue.sensitivity'),
                render: (_, { dataClass }) => (
                  <Tooltip title={label(dataClass)}>
                    <Tag color={classes[dataClass]}>{dataClass.replace('DATA_CLASS_', '')}</Tag>
                  </Tooltip>
                ),
              },
              { title: t('catalogue.freshness'), render: (_, { freshWithin }) => label(freshWithin) },
            ]}
          />
        )}
      </Card>
    </>
  );
}

/** The rest of an attribute: its brackets, its values, the events that it comes from, and how it is written. */
function Details({ attribute }: { attribute: Attribute }) {
  const { t, label, language, code } = useWords();
  const { arguments: declared, values, sources, dated, missing } = attribute;
  const example = writeLeaf({
    field: attribute.key,
    operator: operatorsOf(attribute).includes('>=') ? '>=' : (operatorsOf(attribute)[0] ?? '=='),
    value: beginning(attribute),
  });
  return (
    <Flex vertical gap={8}>
      <span>
        {t('catalogue.example')}{' '}
        <Typography.Text code copyable>
          {example}
        </Typography.Text>
      </span>
      {declared.map((one) => (
        <span key={one.name}>
          <Typography.Text strong>{code(one.name)}</Typography.Text> ({label(one.type)}
          {one.optional ? `, ${t('catalogue.optional')}` : ''}):{' '}
          {language === 'zh' ? one.descriptionZh || one.description : one.description}
          {one.keys.map(({ key, values: known }) => (
            <Typography.Text type="secondary" key={key}>
              {' '}
              · {code(key)}
              {known.length > 0 ? `: ${known.map(code).join(', ')}` : ''}
            </Typography.Text>
          ))}
        </span>
      ))}
      {values.length > 0 ? (
        <span>
          {t('rule.values')}: {values.map(code).join(', ')}
        </span>
      ) : null}
      <Typography.Text type="secondary">
        {t('catalogue.sources')}: {sources.map((source) => source.split('.').at(-1)).join(', ') || '–'}
        {dated ? ` · ${t('catalogue.dated')}` : ''}
        {missing ? ` · ${t('catalogue.missing')}` : ''}
      </Typography.Text>
    </Flex>
  );
}
