import { App, Button, Flex, Form, Input, Modal, Typography } from 'antd';
import { useState } from 'react';
import { listMerges, type Merge, mergeParties, previewMerge, unmergeParty } from '../../api/golden.js';
import type { Party } from '../../api/customer.js';
import { idOf, shortName } from '../../shared/format.js';
import { Pager, usePages } from '../../shared/pages.js';
import { useSession } from '../../shared/session-context.js';
import { StaffName, When } from '../../shared/show.js';
import { useWrite } from '../../shared/use-write.js';
import { useWords } from '../../shared/words.js';
import { Part } from './part.js';
import { useGoldenRecord } from './provenance.js';

/** The party of `parties/{uuid}/sourceRecords/{uuid}`. */
const homeOf = (record: string): string => record.split('/').slice(0, 2).join('/');

/** Which sources know the customer under which key, and which names lead here. */
export function RecordsPart({ party }: { party: Party }) {
  const { t } = useWords();
  const id = idOf(party.name);
  const { data, error, isPending, refetch, dataUpdatedAt } = useGoldenRecord(id);
  const records = data?.goldenRecord.sourceRecords ?? [];
  return (
    <Part
      title={t('golden.records')}
      asOf={dataUpdatedAt ? new Date(dataUpdatedAt).toISOString() : undefined}
      loading={isPending}
      error={error}
      retry={() => void refetch()}
      empty={records.length === 0 ? t('golden.noRecords') : undefined}
    >
      <Flex vertical gap={8}>
        {records.map(({ name, source, sourceKey, receiveTime }) => (
          <Flex key={name} justify="space-between" gap={8} wrap>
            <span>
              <strong>{idOf(source)}</strong> {sourceKey}
              {homeOf(name) === party.name ? null : (
                <Typography.Text type="secondary">
                  {' '}
                  {t('golden.under', { name: shortName(homeOf(name)) })}
                </Typography.Text>
              )}
            </span>
            <Typography.Text type="secondary">
              <When time={receiveTime} />
            </Typography.Text>
          </Flex>
        ))}
      </Flex>
      {party.aliases?.length ? (
        <div style={{ marginTop: 12 }}>
          <Typography.Text type="secondary">{t('golden.aliases')} </Typography.Text>
          {party.aliases.map((alias) => (
            <Typography.Text key={alias} code copyable={{ text: alias }}>
              {shortName(alias)}
            </Typography.Text>
          ))}
        </div>
      ) : null}
    </Part>
  );
}

/** What was merged into the customer, by whom and why; a steward may take it back, and take that back too. */
export function MergesPart({ party }: { party: Party }) {
  const { t, label } = useWords();
  const { may } = useSession();
  const { modal, notification } = App.useApp();
  const id = idOf(party.name);
  const [taken, setTaken] = useState<Merge>();
  const [form] = Form.useForm<{ reason: string }>();
  const { data, error, isPending, refetch, dataUpdatedAt, page, back, forward } = usePages(
    ['party', id, 'merges'],
    (token, signal) => listMerges(id, token, signal),
  );
  const again = useWrite(
    ({ survivor, merged, legalHoldKnown }: { survivor: Party; merged: Party; legalHoldKnown: boolean }) =>
      mergeParties(survivor, merged, t('golden.undoReason'), { identifiersMayDiffer: true, legalHoldKnown }),
    { done: t('golden.mergedAgain'), reload: [['party', id]] },
  );
  // A hold that was placed meanwhile must be known to whoever makes the two one again.
  const mergeAgain = async (survivor: Party, merged: Party): Promise<void> => {
    const preview = await previewMerge(survivor.name, merged.name).catch(() => undefined);
    const held = preview?.obstacles.some(({ reason }) => reason === 'MERGE_UNDER_LEGAL_HOLD') ?? false;
    if (!held) again.mutate({ survivor, merged, legalHoldKnown: false });
    else
      modal.confirm({
        title: t('matching.held'),
        content: t('golden.heldAgain'),
        okText: t('golden.undo'),
        cancelText: t('common.cancel'),
        onOk: () => again.mutate({ survivor, merged, legalHoldKnown: true }),
      });
  };
  const unmerge = useWrite(({ reason }: { reason: string }) => unmergeParty(taken?.merged ?? '', party.etag, reason), {
    done: t('golden.unmerged'),
    reload: [['party', id], ['parties']],
    after: ({ party: restored, survivor }) => {
      setTaken(undefined);
      const key = `unmerge ${restored.name}`;
      notification.info({
        key,
        title: t('golden.unmerged'),
        description: t('golden.unmergedNote', { name: restored.displayName || shortName(restored.name) }),
        duration: 30,
        actions: (
          <Button
            size="small"
            onClick={() => {
              notification.destroy(key);
              void mergeAgain(survivor, restored);
            }}
          >
            {t('golden.undo')}
          </Button>
        ),
      });
    },
  });
  const merges = data?.merges ?? [];
  return (
    <Part
      title={t('golden.merges')}
      asOf={dataUpdatedAt ? new Date(dataUpdatedAt).toISOString() : undefined}
      loading={isPending}
      error={error}
      retry={() => void refetch()}
      empty={merges.length === 0 ? t('golden.noMerges') : undefined}
    >
      <Flex vertical gap={12}>
        {merges.map((merge) => (
          <Flex key={merge.name} justify="space-between" gap={8} align="flex-start" data-testid="merge">
            <Flex vertical gap={2}>
              <span>
                {t('golden.mergedInto', { merged: shortName(merge.merged), survivor: shortName(merge.survivor) })}
              </span>
              <Typography.Text type="secondary">
                {label(merge.decision)} · {merge.reason} · <StaffName name={merge.mergedBy} /> ·{' '}
                <When time={merge.mergeTime} />
              </Typography.Text>
              {merge.unmergeTime ? (
                <Typography.Text type="secondary">
                  {t('golden.takenBack')}: {merge.unmergeReason} · <StaffName name={merge.unmergedBy} /> ·{' '}
                  <When time={merge.unmergeTime} />
                </Typography.Text>
              ) : null}
            </Flex>
            {may('mergeParties') && !merge.unmergeTime ? (
              <Button size="small" danger onClick={() => setTaken(merge)}>
                {t('golden.unmerge')}
              </Button>
            ) : null}
          </Flex>
        ))}
      </Flex>
      <Pager page={page} back={back} forward={forward} />
      <Modal
        open={taken !== undefined}
        title={t('golden.unmergeTitle')}
        okText={t('golden.unmerge')}
        cancelText={t('common.cancel')}
        okButtonProps={{ danger: true }}
        confirmLoading={unmerge.isPending}
        onOk={() => form.submit()}
        onCancel={() => setTaken(undefined)}
        destroyOnHidden
      >
        <Typography.Paragraph>{t('golden.unmergeNote')}</Typography.Paragraph>
        <Form<{ reason: string }> form={form} layout="vertical" onFinish={(fields) => unmerge.mutate(fields)}>
          <Form.Item name="reason" label={t('golden.reason')} rules={[{ required: true }]}>
            <Input maxLength={500} />
          </Form.Item>
        </Form>
      </Modal>
    </Part>
  );
}
