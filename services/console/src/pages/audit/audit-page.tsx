import { Alert, Button, Card, Flex, Progress, Table, Tag, Typography } from 'antd';
import { type AuditedService, auditedServices } from '../../api/operations.js';
import { useExplain } from '../../shared/failed.js';
import { formatCount } from '../../shared/format.js';
import { PageHead, When } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';
import { useVerification, type Verification } from './use-verification.js';

interface Row {
  service: AuditedService;
  is: Verification | undefined;
}

const colours: Partial<Record<Verification['state'], string>> = {
  whole: 'green',
  broken: 'red',
  failed: 'orange',
  running: 'blue',
};

/** Walks the audit chains of all services on demand, and names the first record that is not as it was written. */
export function AuditPage() {
  const { t, language } = useWords();
  const { found, running, start, stop } = useVerification();
  const rows: Row[] = auditedServices.map((service) => ({ service, is: found[service] }));
  const verdicts = rows.flatMap(({ is }) => (is ? [is.state] : []));
  const whole = verdicts.length === rows.length && verdicts.every((state) => state === 'whole');
  const count = (value: number): string => formatCount(String(value), language);
  return (
    <>
      <PageHead title={t('menu.audit')} note={t('audit.note')}>
        {running ? (
          <Button onClick={stop}>{t('audit.stop')}</Button>
        ) : (
          <Button type="primary" onClick={() => void start()}>
            {t('audit.verifyAll')}
          </Button>
        )}
      </PageHead>
      <Flex vertical gap={16} aria-live="polite">
        {verdicts.includes('broken') ? (
          <Alert type="error" showIcon role="alert" title={t('audit.broken')} description={t('audit.brokenAdvice')} />
        ) : null}
        {whole ? <Alert type="success" showIcon title={t('audit.whole')} /> : null}
        <Card size="small">
          <Table<Row>
            size="small"
            rowKey="service"
            dataSource={rows}
            pagination={false}
            scroll={{ x: 'max-content' }}
            columns={[
              { title: t('audit.service'), render: (_, { service }) => t(`audit.services.${service}`) },
              { title: t('audit.result'), render: (_, { is }) => <Result is={is} /> },
              {
                title: t('audit.records'),
                align: 'right',
                render: (_, { is }) => (is && is.total > 0 ? `${count(is.records)} / ${count(is.total)}` : '–'),
              },
              { title: t('audit.roots'), align: 'right', render: (_, { is }) => (is?.asOf ? count(is.roots) : '–') },
              {
                title: t('audit.unsealed'),
                align: 'right',
                render: (_, { is }) => (is?.asOf ? count(is.unsealed) : '–'),
              },
              { title: t('common.asOf'), render: (_, { is }) => (is?.asOf ? <When time={is.asOf} /> : '–') },
              {
                title: '',
                align: 'right',
                render: (_, { service }) => (
                  <Button size="small" disabled={running} onClick={() => void start([service])}>
                    {t('audit.verify')}
                  </Button>
                ),
              },
            ]}
          />
        </Card>
      </Flex>
    </>
  );
}

/** How far one chain is, or what was found. */
function Result({ is }: { is: Verification | undefined }) {
  const { t, label, language } = useWords();
  const explain = useExplain();
  if (!is) return <Typography.Text type="secondary">{t('audit.states.never')}</Typography.Text>;
  const { state, broken, error } = is;
  return (
    <Flex vertical gap={4}>
      <span>
        <Tag {...(colours[state] && { color: colours[state] })}>{t(`audit.states.${state}`)}</Tag>
      </span>
      {state === 'running' ? (
        <Progress
          size="small"
          percent={is.total > 0 ? Math.floor((is.records * 100) / is.total) : 0}
          style={{ minWidth: 160 }}
          aria-label={t('audit.progress')}
        />
      ) : null}
      {broken ? (
        <Typography.Text type="danger">
          {t('audit.first', { sequence: formatCount(broken.sequence, language) })} {label(`AUDIT_${broken.reason}`)}
          {broken.recordTime ? (
            <>
              {' · '}
              {t('audit.written')} <When time={broken.recordTime} />
            </>
          ) : null}
          {broken.record ? <Typography.Text code>{broken.record}</Typography.Text> : null}
        </Typography.Text>
      ) : null}
      {state === 'failed' ? <Typography.Text type="secondary">{explain(error).title}</Typography.Text> : null}
    </Flex>
  );
}
