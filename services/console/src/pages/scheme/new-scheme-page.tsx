import { Button, Card, Flex, Form } from 'antd';
import { useState } from 'react';
import { useLocation, useNavigate, useSearchParams } from 'react-router';
import { createScheme, type SchemePlan } from '../../api/schemes.js';
import { idOf } from '../../shared/format.js';
import { useSession } from '../../shared/session-context.js';
import { PageHead } from '../../shared/show.js';
import { useWrite } from '../../shared/use-write.js';
import { useWords } from '../../shared/words.js';
import { groupIdOf } from './group-input.js';
import { PlanEditor } from './plan-editor.js';
import { beginnings, formsOf, kindOf, kinds } from './plans.js';
import { IdentityFields } from '../segment/identity-fields.js';

interface Fields {
  title: string;
  schemeId: string;
  organisationPath: string;
}

/** What a template has made. */
interface Made {
  plan: SchemePlan;
  title: string;
  schemeId: string;
}

/** Makes a scheme: its name and how it divides, checked while one writes. */
export function NewSchemePage() {
  const { t, label } = useWords();
  const { organisationPath, may } = useSession();
  const navigate = useNavigate();
  const [parameters] = useSearchParams();
  const { state } = useLocation() as { state: Made | null };
  const kind = state ? kindOf(state.plan) : (kinds.find((one) => one === parameters.get('kind')) ?? kinds[0]);
  const [form] = Form.useForm<Fields>();
  const [plan, setPlan] = useState<SchemePlan>(() => state?.plan ?? beginnings[formsOf[kind]?.[0] ?? 'bands']);
  const path = Form.useWatch('organisationPath', form) ?? organisationPath;
  const { mutate, isPending } = useWrite((fields: Fields) => createScheme({ ...fields, plan }), {
    done: t('scheme.saved'),
    reload: [['schemes']],
    after: ({ scheme }) => void navigate(`/segmentation/schemes/${idOf(scheme.name)}`),
  });
  return (
    <>
      <PageHead title={t('scheme.createKind', { kind: label(kind) })} note={label(`${kind}_NOTE`)} />
      <Flex vertical gap={16}>
        <Card size="small">
          <Form<Fields>
            form={form}
            layout="vertical"
            initialValues={{ organisationPath, title: state?.title ?? '', schemeId: state?.schemeId ?? '' }}
            onFinish={(fields) => mutate(fields)}
            onValuesChange={(changed: Partial<Fields>) => {
              if (changed.title !== undefined && !form.isFieldTouched('schemeId'))
                form.setFieldValue('schemeId', groupIdOf(changed.title, 'scheme').slice(0, 29));
            }}
          >
            <IdentityFields idField="schemeId" longest={29} />
          </Form>
        </Card>
        <PlanEditor plan={plan} kind={kind} organisationPath={path} checks={may('checkSchemes')} onChange={setPlan} />
        <Flex gap={8} justify="flex-end">
          <Button onClick={() => void navigate('/segmentation/schemes')}>{t('common.cancel')}</Button>
          <Button type="primary" loading={isPending} onClick={() => form.submit()}>
            {t('scheme.save')}
          </Button>
        </Flex>
      </Flex>
    </>
  );
}
