import { useMutation } from '@tanstack/react-query';
import { Button, Card, Flex, Select, Table } from 'antd';
import { useState } from 'react';
import { type ExportedFile, exportRequest } from '../../api/export.js';
import { Failed } from '../../shared/failed.js';
import { saveFile } from '../../shared/csv.js';
import { formatCount, idOf } from '../../shared/format.js';
import { useWords } from '../../shared/words.js';

const formats = ['CSV', 'JSON'] as const;

/** Everything that the bank keeps about the person, gathered from all services, to hand over. */
export function ExportPart({ id }: { id: string }) {
  const { t, language } = useWords();
  const [format, setFormat] = useState<(typeof formats)[number]>('CSV');
  const { data, error, isPending, mutate } = useMutation({ mutationFn: () => exportRequest(id, format) });
  const save = (name: string, content: BlobPart): void => saveFile(name, content, 'application/octet-stream');
  return (
    <Card size="small" title={t('requests.export')}>
      <Flex vertical gap={12}>
        <Flex gap={8}>
          <Select
            aria-label={t('requests.format')}
            value={format}
            options={formats.map((value) => ({ value, label: value }))}
            onChange={setFormat}
          />
          <Button loading={isPending} onClick={() => mutate()}>
            {t('requests.gather')}
          </Button>
          {data ? (
            <Button onClick={() => save('manifest.json', JSON.stringify(data.manifest, undefined, 2))}>
              {t('requests.manifest')}
            </Button>
          ) : null}
        </Flex>
        {error ? <Failed error={error} /> : null}
        {data ? (
          <Table<ExportedFile>
            size="small"
            rowKey="file"
            dataSource={data.manifest.files}
            pagination={false}
            scroll={{ x: 'max-content' }}
            columns={[
              { title: t('importing.file'), dataIndex: 'file' },
              { title: t('requests.service'), render: (_, { service }) => idOf(service) },
              { title: t('importing.kind'), align: 'right', render: (_, { rows }) => formatCount(rows, language) },
              {
                title: '',
                key: 'save',
                render: (_, { file }) => (
                  <Button
                    size="small"
                    onClick={() => {
                      const content = data.files.find(({ listed }) => listed.file === file)?.content;
                      if (content) save(file, content);
                    }}
                  >
                    {t('common.save')}
                  </Button>
                ),
              },
            ]}
          />
        ) : null}
      </Flex>
    </Card>
  );
}
