import { Alert, Button, Flex, Form, Input, Modal, Progress, Segmented, Select, Table, Typography, Upload } from 'antd';
import { useRef, useState } from 'react';
import { useShowFailure } from '../../shared/failed.js';
import { formatCount } from '../../shared/format.js';
import { useWords } from '../../shared/words.js';
import { type Columns, guessColumns, rowOf, type Way, ways } from './columns.js';
import { type FileLine, OpenQuote, readRecords, separatorIn, textOf } from './read-file.js';
import { sendFile } from './send-file.js';

const modes = ['LIST_UPLOAD_MODE_ADD', 'LIST_UPLOAD_MODE_REPLACE', 'LIST_UPLOAD_MODE_REMOVE'] as const;
/** Rows that are shown before anything is sent. */
const SHOWN = 5;

/** A file that was chosen, with its heading and first rows. */
interface Chosen {
  file: File;
  separator: string;
  heading: string[];
  rows: FileLine[];
}

async function look(file: File): Promise<Chosen> {
  const separator = separatorIn(await file.slice(0, 10_000).text());
  const found: FileLine[] = [];
  for await (const record of readRecords(textOf(file), separator)) {
    found.push(record);
    if (found.length > SHOWN) break;
  }
  const [heading, ...rows] = found;
  return { file, separator, heading: heading?.cells ?? [], rows };
}

/** What the columns of a file mean, and what comes of its first rows. */
function ColumnChoice({
  chosen: { heading, rows },
  columns,
  onChange,
}: {
  chosen: Chosen;
  columns: Columns;
  onChange: (columns: Columns) => void;
}) {
  const { t } = useWords();
  const options = heading.map((name, index) => ({ value: index, label: name || `${index + 1}` }));
  const optional = [{ value: -1, label: t('list.noColumn') }, ...options];
  const preview = rows.map((row) => rowOf(row, heading.length, columns));
  const field = (label: string, value: number, choices: typeof options, set: (next: number) => void) => (
    <Form.Item label={label} style={{ flex: 1, minWidth: 150 }}>
      <Select aria-label={label} value={value} options={choices} onChange={set} />
    </Form.Item>
  );
  return (
    <Form layout="vertical" component="div">
      <Flex gap={12} wrap>
        {field(t('list.keyColumn'), columns.key, options, (key) => onChange({ ...columns, key }))}
        <Form.Item label={t('list.way')} style={{ flex: 1, minWidth: 180 }}>
          <Select<Way>
            aria-label={t('list.way')}
            value={columns.way}
            options={ways.map((way) => ({ value: way, label: t(`list.way_${way}`) }))}
            onChange={(way) => onChange({ ...columns, way })}
          />
        </Form.Item>
        {columns.way === 'sourceKey' ? (
          <Form.Item label={t('list.source')} extra={t('list.sourceHint')} style={{ flex: 1, minWidth: 120 }}>
            <Input
              aria-label={t('list.source')}
              maxLength={60}
              value={columns.source}
              onChange={({ target }) => onChange({ ...columns, source: target.value })}
            />
          </Form.Item>
        ) : null}
        {field(t('list.untilColumn'), columns.until, optional, (until) => onChange({ ...columns, until }))}
        {field(t('list.noteColumn'), columns.note, optional, (note) => onChange({ ...columns, note }))}
      </Flex>
      {columns.way === 'account' || columns.way === 'identifier' ? (
        <Alert type="info" showIcon style={{ marginBottom: 12 }} title={t('list.numbersHint')} />
      ) : null}
      <Typography.Text type="secondary">{t('list.preview')}</Typography.Text>
      <Table
        size="small"
        rowKey="line"
        pagination={false}
        scroll={{ x: 'max-content' }}
        dataSource={preview}
        columns={[
          { title: t('list.line'), dataIndex: 'line', width: 70 },
          {
            title: t('list.customer'),
            render: (_, row) =>
              row.unreadable ? t('list.unreadable') : (row.party ?? row.sourceKey ?? row.account ?? row.identifier),
          },
          { title: t('list.until'), dataIndex: 'until' },
          { title: t('list.noteOf'), dataIndex: 'note' },
        ]}
      />
    </Form>
  );
}

/** Takes a file, asks what its columns mean, and sends it; nothing changes before somebody has seen what would. */
export function NewUpload({
  list,
  onClose,
  onSent,
}: {
  list: string;
  onClose: () => void;
  onSent: (upload: string) => void;
}) {
  const { t, label, language } = useWords();
  const showFailure = useShowFailure();
  const [chosen, setChosen] = useState<Chosen | undefined>();
  const [columns, setColumns] = useState<Columns | undefined>();
  const [mode, setMode] = useState<string>(modes[0]);
  const [problem, setProblem] = useState('');
  const [sent, setSent] = useState<{ done: number; total: number } | undefined>();
  const stop = useRef(new AbortController());

  const said = (error: unknown): string =>
    error instanceof OpenQuote ? t('list.openQuote', { line: error.line }) : t('list.unreadableFile');
  const choose = async (file: File): Promise<void> => {
    setProblem('');
    try {
      const found = await look(file);
      if (found.rows.length === 0) {
        setProblem(t('list.emptyFile'));
        return;
      }
      setChosen(found);
      setColumns(guessColumns(found.heading));
    } catch (error) {
      setProblem(said(error));
    }
  };
  const send = async (): Promise<void> => {
    if (!chosen || !columns) return;
    stop.current = new AbortController();
    setSent({ done: 0, total: 0 });
    const { file, separator, heading } = chosen;
    try {
      const sending = { list, file, separator, width: heading.length, columns, mode };
      onSent(await sendFile(sending, (done, total) => setSent({ done, total }), stop.current.signal));
    } catch (error) {
      if (error instanceof OpenQuote) setProblem(said(error));
      else if (!stop.current.signal.aborted) showFailure(error);
    }
    setSent(undefined);
  };
  const close = (): void => {
    stop.current.abort();
    onClose();
  };
  const total = sent?.total ?? 0;
  return (
    <Modal
      open
      width={860}
      title={t('list.send')}
      mask={{ closable: false }}
      onCancel={close}
      footer={[
        <Button key="close" onClick={close}>
          {sent ? t('list.stop') : t('common.cancel')}
        </Button>,
        <Button key="send" type="primary" disabled={!chosen} loading={sent !== undefined} onClick={() => void send()}>
          {t('list.sendFile')}
        </Button>,
      ]}
    >
      <Flex vertical gap={12}>
        <Upload.Dragger
          accept=".csv,.txt,text/csv,text/plain"
          maxCount={1}
          showUploadList={false}
          disabled={sent !== undefined}
          beforeUpload={(file) => {
            void choose(file);
            return false;
          }}
        >
          <p>{chosen ? chosen.file.name : t('list.drop')}</p>
          <Typography.Text type="secondary">{t('list.dropHint')}</Typography.Text>
        </Upload.Dragger>
        {problem ? <Alert type="error" showIcon role="alert" title={problem} /> : null}
        {chosen && columns ? (
          <>
            <Segmented
              aria-label={t('list.mode')}
              value={mode}
              disabled={sent !== undefined}
              options={modes.map((one) => ({ value: one, label: label(one) }))}
              onChange={(next) => setMode(next)}
            />
            <Typography.Text type="secondary">{t(`list.explain_${mode}`)}</Typography.Text>
            <ColumnChoice chosen={chosen} columns={columns} onChange={setColumns} />
          </>
        ) : null}
        {sent ? (
          <div role="status">
            <Progress percent={total > 0 ? Math.floor((100 * sent.done) / total) : 0} />
            {total > 0
              ? t('list.sentSoFar', {
                  done: formatCount(String(sent.done), language),
                  total: formatCount(String(total), language),
                })
              : t('list.reading')}
          </div>
        ) : null}
      </Flex>
    </Modal>
  );
}
