import { QueryBuilderAntD } from '@react-querybuilder/antd';
import { Button, DatePicker, Input, InputNumber, Select, Space } from 'antd';
import dayjs from 'dayjs';
import { createContext, useContext, useMemo } from 'react';
import { type ActionProps, QueryBuilder, type RuleGroupType, type ValueEditorProps } from 'react-querybuilder';
import 'react-querybuilder/dist/query-builder.css';
import type { Attribute } from '../../api/segmentation.js';
import { readFilter, writeFilter } from '../../rule/filter.js';
import { alignArguments, beginning, daysOf, operatorsOf, textOf } from '../../rule/attributes.js';
import { AS_TEXT, type Comparand, type RuleTree } from '../../rule/tree.js';
import { useCatalogue } from '../../shared/use-catalogue.js';
import { useWords } from '../../shared/words.js';

const AttributesContext = createContext<ReadonlyMap<string, Attribute>>(new Map());

interface ArgumentProps {
  declared: Attribute['arguments'][number];
  value: string;
  onChange: (value: string) => void;
}

/** A map in the brackets, key by key. */
function FilterArgument({ declared, value, onChange }: ArgumentProps) {
  const { code } = useWords();
  const keys = declared.keys.map(({ key }) => key);
  const filter = readFilter(value, keys) ?? {};
  const set = (key: string, written: string) => onChange(writeFilter({ ...filter, [key]: written }, keys));
  return (
    <Space wrap size={4}>
      {declared.keys.map(({ key, type, values }) => {
        const written = filter[key] ?? '';
        const common = { key, 'aria-label': code(key), placeholder: code(key) };
        if (values.length > 0) {
          return (
            <Select
              {...common}
              key={key}
              allowClear
              showSearch={{ optionFilterProp: 'label' }}
              value={textOf(written) || null}
              style={{ minWidth: 130 }}
              options={values.map((one) => ({ value: one, label: code(one) }))}
              onChange={(one: string | null) => set(key, one ? JSON.stringify(one) : '')}
            />
          );
        }
        if (type === 'ATTRIBUTE_TYPE_STRING') {
          return (
            <Input
              {...common}
              key={key}
              allowClear
              value={textOf(written) ?? ''}
              style={{ width: 130 }}
              onChange={({ target }) => set(key, target.value ? JSON.stringify(target.value) : '')}
            />
          );
        }
        return (
          <InputNumber
            {...common}
            key={key}
            stringMode
            value={written || null}
            style={{ width: 130 }}
            onChange={(number) => set(key, number === null ? '' : String(number))}
          />
        );
      })}
    </Space>
  );
}

function Argument({ declared, value, onChange }: ArgumentProps) {
  const { t, code } = useWords();
  const name = code(declared.name);
  const keys = declared.keys.map(({ key }) => key);
  if (keys.length > 0 && readFilter(value, keys)) {
    return <FilterArgument declared={declared} value={value} onChange={onChange} />;
  }
  const days = daysOf(value);
  if (declared.type === 'ATTRIBUTE_TYPE_DURATION' && days !== undefined) {
    return (
      <InputNumber
        min={1}
        max={36_600}
        precision={0}
        value={days}
        prefix={t('rule.last')}
        suffix={t('rule.days')}
        aria-label={name}
        style={{ width: 150 }}
        onChange={(count) => onChange(`duration("${(count ?? 1) * 24}h")`)}
      />
    );
  }
  const text = textOf(value);
  if (text !== undefined && declared.values.length > 0) {
    return (
      <Select
        value={text}
        aria-label={name}
        style={{ minWidth: 120 }}
        options={[
          ...(declared.optional ? [{ value: '', label: t('common.all') }] : []),
          ...declared.values.map((one) => ({ value: one, label: code(one) })),
        ]}
        onChange={(one: string) => onChange(one === '' ? '' : JSON.stringify(one))}
      />
    );
  }
  return (
    <Input
      value={text ?? value}
      aria-label={name}
      style={{ width: 160 }}
      onChange={(event) => onChange(text === undefined ? event.target.value : JSON.stringify(event.target.value))}
    />
  );
}

interface ConstantProps {
  attribute: Attribute | undefined;
  operator: string;
  value: Comparand;
  onChange: (values: string[]) => void;
}

function Constant({ attribute, operator, value, onChange }: ConstantProps) {
  const { t, code } = useWords();
  const { unitOf } = useCatalogue();
  const [first = ''] = value.values;
  const name = t('rule.value');
  const options = (attribute?.values ?? []).map((one) => ({ value: one, label: code(one) }));
  if (operator === 'in' || operator === 'not in') {
    return (
      <Select
        mode={options.length > 0 ? 'multiple' : 'tags'}
        value={value.values}
        options={options}
        aria-label={name}
        placeholder={t('rule.values')}
        style={{ minWidth: 220 }}
        onChange={(values: string[]) => onChange(values)}
      />
    );
  }
  if (options.length > 0) {
    return (
      <Select
        value={first}
        options={options}
        aria-label={name}
        style={{ minWidth: 140 }}
        onChange={(one: string) => onChange([one])}
      />
    );
  }
  if (value.kind === 'number') {
    return (
      <InputNumber
        stringMode
        value={first}
        aria-label={name}
        style={{ width: attribute?.unit ? 210 : 140 }}
        suffix={attribute ? unitOf(attribute) : undefined}
        onChange={(number) => onChange([String(number ?? 0)])}
      />
    );
  }
  if (value.kind === 'date') {
    const day = dayjs(first);
    return (
      <DatePicker
        value={day.isValid() ? day : null}
        aria-label={name}
        allowClear={false}
        onChange={(picked) => onChange([picked?.format('YYYY-MM-DD') ?? first])}
      />
    );
  }
  return (
    <Input
      value={first}
      aria-label={name}
      style={{ width: 180 }}
      onChange={(event) => onChange([event.target.value])}
    />
  );
}

/** The right half of a line: what stands in the brackets of the attribute, and what it is compared with. */
function ValueEditor({ field, operator, value, handleOnChange, disabled }: ValueEditorProps) {
  const { t } = useWords();
  const attributes = useContext(AttributesContext);
  const attribute = attributes.get(field);
  const comparand = value as Comparand;
  const declared = attribute?.arguments ?? [];
  const args = attribute ? alignArguments(attribute, comparand.args ?? []) : [];
  if (disabled || typeof comparand !== 'object') return null;
  if (field === AS_TEXT) {
    return (
      <Input.TextArea
        className="rule-text"
        value={comparand.values[0] ?? ''}
        aria-label={t('rule.asText')}
        placeholder={t('rule.asTextHint')}
        autoSize
        spellCheck={false}
        style={{ minWidth: 240, flex: 1 }}
        onChange={(event) => handleOnChange({ ...comparand, values: [event.target.value] })}
      />
    );
  }
  return (
    <Space wrap size={8}>
      {declared.map((one, index) => (
        <Argument
          key={one.name}
          declared={one}
          value={args[index] ?? ''}
          onChange={(next) =>
            handleOnChange({ ...comparand, args: args.map((arg, at) => (at === index ? next : arg)) })
          }
        />
      ))}
      {comparand.kind === 'none' ? null : (
        <Constant
          attribute={attribute}
          operator={operator}
          value={comparand}
          onChange={(values) => handleOnChange({ ...comparand, values })}
        />
      )}
    </Space>
  );
}

/** Quiet buttons: the page's own action is the only loud one. */
function Action({ handleOnClick, label, title, disabled }: ActionProps) {
  return (
    <Button size="small" title={title} disabled={disabled} onClick={(event) => handleOnClick(event)}>
      {label}
    </Button>
  );
}

const controls = { valueEditor: ValueEditor, actionElement: Action };

interface BuilderProps {
  attributes: readonly Attribute[];
  tree: RuleTree;
  onChange: (tree: RuleTree) => void;
}

/** The rule as lines and groups of lines. */
export function RuleBuilder({ attributes, tree, onChange }: BuilderProps) {
  const { t, code } = useWords();
  const { titleOf } = useCatalogue();
  const byKey = useMemo(() => new Map(attributes.map((attribute) => [attribute.key, attribute])), [attributes]);
  const fields = useMemo(() => {
    const named = attributes.map(({ key }) => ({ name: key, label: titleOf(key) }));
    named.sort((a, b) => a.label.localeCompare(b.label));
    return [...named, { name: AS_TEXT, label: t('rule.asText') }];
  }, [attributes, titleOf, t]);
  const label = (word: string) => ({ label: t(word), title: t(word) });
  return (
    <AttributesContext.Provider value={byKey}>
      <QueryBuilderAntD>
        <QueryBuilder
          fields={fields}
          query={tree as RuleGroupType}
          onQueryChange={(next) => onChange(next as RuleTree)}
          enableMountQueryChange={false}
          controlElements={controls}
          combinators={[
            { name: 'and', label: t('rule.and') },
            { name: 'or', label: t('rule.or') },
          ]}
          getOperators={(field) =>
            field === AS_TEXT
              ? [{ name: 'holds', label: t('rule.asText') }]
              : operatorsOf(byKey.get(field)).map((name) => ({ name, label: code(name) }))
          }
          getDefaultValue={({ field }) =>
            field === AS_TEXT ? { kind: 'text', values: [''] } : beginning(byKey.get(field))
          }
          getRuleClassname={({ field }) => (field === AS_TEXT ? 'rule-as-text' : '')}
          resetOnFieldChange
          resetOnOperatorChange={false}
          showNotToggle
          addRuleToNewGroups
          translations={{
            addRule: label('rule.addRule'),
            addGroup: label('rule.addGroup'),
            removeRule: { label: '×', title: t('rule.removeRule') },
            removeGroup: { label: '×', title: t('rule.removeGroup') },
            notToggle: label('rule.not'),
            combinators: { title: t('rule.combinator') },
            fields: { title: t('rule.attribute') },
            operators: { title: t('rule.operator') },
          }}
        />
      </QueryBuilderAntD>
    </AttributesContext.Provider>
  );
}
