import { useQuery } from '@tanstack/react-query';
import { Empty, Skeleton, Table, Tag } from 'antd';
import { type MergedField, previewMerge } from '../../api/golden.js';
import { Failed } from '../../shared/failed.js';
import { idOf } from '../../shared/format.js';
import { When } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';

/** What two golden records would be as one; asked for again when one of them changed. */
export function useMergePreview(survivor: string, merged: string, wanted: boolean) {
  return useQuery({
    queryKey: ['merge-preview', survivor, merged],
    queryFn: ({ signal }) => previewMerge(survivor, merged, signal),
    enabled: wanted && survivor !== '' && merged !== '',
    retry: false,
  });
}

/** Field by field what the customer would be after a merge, and which source each value would come from. */
export function MergePreview({ survivor, merged }: { survivor: string; merged: string }) {
  const { t, label } = useWords();
  const { data, error, refetch } = useMergePreview(survivor, merged, true);
  if (error && !data) return <Failed error={error} retry={() => void refetch()} />;
  if (!data) return <Skeleton active paragraph={{ rows: 4 }} />;
  const shown = (value: string): string => (/^(SEX|PARTY_STATE)_/.test(value) ? label(value) : value) || '–';
  const changes = ({ survivorValue, value }: MergedField): boolean => survivorValue !== value;
  return (
    <Table<MergedField>
      size="small"
      rowKey="path"
      data-testid="merge-preview"
      // What changes stands first.
      dataSource={data.fields.toSorted((a, b) => Number(changes(b)) - Number(changes(a)))}
      pagination={false}
      scroll={{ x: 'max-content' }}
      locale={{ emptyText: <Empty description={t('matching.previewEmpty')} /> }}
      columns={[
        {
          title: t('matching.field'),
          render: (_, one) => (
            <>
              {t(`matching.paths.${(one.path.split('[')[0] ?? '').replace('.', '_')}`)}{' '}
              {changes(one) ? <Tag color="orange">{t('matching.changes')}</Tag> : null}
            </>
          ),
        },
        { title: t('matching.becomes'), render: (_, { value }) => <strong>{shown(value)}</strong> },
        { title: t('matching.survivorSays'), render: (_, { survivorValue }) => shown(survivorValue) },
        { title: t('matching.mergedSays'), render: (_, { mergedValue }) => shown(mergedValue) },
        {
          title: t('matching.wonBy'),
          render: (_, { source, decidedBy, changeTime }) => (
            <>
              {idOf(source)} · {label(decidedBy)} · <When time={changeTime} />
            </>
          ),
        },
      ]}
    />
  );
}
