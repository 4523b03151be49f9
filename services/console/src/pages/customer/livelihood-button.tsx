import { Button, Flex, Form, Input, Modal, Select } from 'antd';
import { useState } from 'react';
import { type Party, updateParty } from '../../api/customer.js';
import { decimalText, idOf, minorUnitsOf } from '../../shared/format.js';
import { useWrite } from '../../shared/use-write.js';
import { useWords } from '../../shared/words.js';
import {
  codeOf,
  educationLevels,
  fieldsOf,
  fitsGroup,
  industrySections,
  type LivelihoodFields,
  occupationGroups,
} from './livelihood.js';

const currencyPattern = /^[A-Z]{3}$/;

/** Changes what the customer does and earns. What is left empty is not known. */
export function LivelihoodButton({ party, currency }: { party: Party; currency: string }) {
  const { t, label, code } = useWords();
  const [open, setOpen] = useState(false);
  const [form] = Form.useForm<LivelihoodFields>();
  const { person } = party;
  const save = useWrite(
    (fields: LivelihoodFields) => {
      const industry = codeOf(fields.industry, fields.industryCode);
      if (!person) return updateParty(party, { organisation: { industry } }, ['organisation.industry']);
      const minorUnits = minorUnitsOf(fields.income ?? '', fields.currency ?? '');
      const now = new Date();
      const asOf = { year: now.getFullYear(), month: now.getMonth() + 1, day: now.getDate() };
      const same =
        minorUnits === person.income?.perYear?.minorUnits &&
        (!minorUnits || fields.currency === person.income?.perYear?.currencyCode);
      const income = minorUnits ? { perYear: { minorUnits, currencyCode: fields.currency ?? '' }, asOf } : undefined;
      const wanted = {
        occupation: codeOf(fields.occupation, fields.occupationCode),
        industry,
        education: fields.education ?? 'EDUCATION_LEVEL_UNSPECIFIED',
        ...(income && !same ? { income } : {}),
      };
      const paths = ['occupation', 'industry', 'education', ...(same ? [] : ['income'])];
      return updateParty(
        party,
        { person: wanted },
        paths.map((path) => `person.${path}`),
      );
    },
    { done: t('party.livelihoodSaved'), reload: [['party', idOf(party.name)]], after: () => setOpen(false) },
  );
  const earned = person?.income?.perYear;
  const digits = earned
    ? (new Intl.NumberFormat('en', { style: 'currency', currency: earned.currencyCode }).resolvedOptions()
        .maximumFractionDigits ?? 2)
    : 2;
  const amount = earned ? decimalText(earned.minorUnits, digits) : '';
  /** A select of groups, and beside it the whole code. */
  const coded = (name: 'occupation' | 'industry', title: string, options: { value: string; label: string }[]) => (
    <Flex gap={8}>
      <Form.Item name={name} label={title} style={{ flex: 1 }}>
        <Select allowClear showSearch={{ optionFilterProp: 'label' }} options={options} />
      </Form.Item>
      <Form.Item
        name={`${name}Code` as const}
        label={t(`party.${name}Detail`)}
        tooltip={t('party.detailHint')}
        dependencies={[name]}
        rules={[
          ({ getFieldValue }) => ({
            validator: (_, exactly: string | undefined) =>
              fitsGroup(getFieldValue(name) as string | undefined, exactly)
                ? Promise.resolve()
                : Promise.reject(new Error(t('party.codeWrong'))),
          }),
        ]}
      >
        <Input maxLength={12} style={{ width: 150 }} />
      </Form.Item>
    </Flex>
  );
  return (
    <>
      <Button size="small" onClick={() => setOpen(true)}>
        {t(person ? 'party.changeLivelihood' : 'party.industry')}
      </Button>
      <Modal
        open={open}
        title={t(person ? 'party.livelihood' : 'party.industry')}
        okText={t('common.save')}
        cancelText={t('common.cancel')}
        confirmLoading={save.isPending}
        onOk={() => form.submit()}
        onCancel={() => setOpen(false)}
        destroyOnHidden
      >
        <Form<LivelihoodFields>
          form={form}
          layout="vertical"
          preserve={false}
          initialValues={fieldsOf(party, amount, currency)}
          onFinish={(fields) => save.mutate(fields)}
        >
          {person
            ? coded(
                'occupation',
                t('party.occupation'),
                occupationGroups.map((group, digit) => ({ value: String(digit), label: code(group) })),
              )
            : null}
          {coded(
            'industry',
            t(person ? 'party.employerIndustry' : 'party.industry'),
            Object.entries(industrySections).map(([value, section]) => ({ value, label: code(section) })),
          )}
          {person ? (
            <>
              <Form.Item name="education" label={t('party.education')}>
                <Select allowClear options={educationLevels.map((value) => ({ value, label: label(value) }))} />
              </Form.Item>
              <Flex gap={8}>
                <Form.Item
                  name="income"
                  label={t('party.incomeYear')}
                  style={{ flex: 1 }}
                  dependencies={['currency']}
                  rules={[
                    ({ getFieldValue }) => ({
                      validator: (_, text: string | undefined) => {
                        const money = String(getFieldValue('currency') ?? '');
                        const fine = !text || (currencyPattern.test(money) && minorUnitsOf(text, money) !== undefined);
                        return fine ? Promise.resolve() : Promise.reject(new Error(t('goal.amountHint')));
                      },
                    }),
                  ]}
                >
                  <Input inputMode="decimal" maxLength={24} />
                </Form.Item>
                <Form.Item
                  name="currency"
                  label={t('party.currency')}
                  rules={[{ pattern: currencyPattern, message: 'ISO 4217' }]}
                >
                  <Input maxLength={3} style={{ width: 90 }} />
                </Form.Item>
              </Flex>
            </>
          ) : null}
        </Form>
      </Modal>
    </>
  );
}
