import { useInfiniteQuery } from '@tanstack/react-query';
import { Button, Card, Empty, Flex, Skeleton, Timeline, Typography } from 'antd';
import { type HistoryEntry, listCaseHistory } from '../../api/cases.js';
import { Failed } from '../../shared/failed.js';
import { shortName } from '../../shared/format.js';
import { StaffName, State, When } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';

function Change({ entry }: { entry: HistoryEntry }) {
  const { t, label } = useWords();
  const { note, stateChange, assignment, complaintStep, paused, survey } = entry;
  if (note) return <span className="plain-text">{note.text}</span>;
  if (stateChange) {
    return (
      <Flex gap={6} align="center" wrap>
        {stateChange.from === 'CASE_STATE_UNSPECIFIED' ? null : (
          <>
            <State value={stateChange.from} /> →
          </>
        )}
        <State value={stateChange.to} />
        {stateChange.reason ? <span className="plain-text">{stateChange.reason}</span> : null}
      </Flex>
    );
  }
  if (assignment) {
    return (
      <span>
        {assignment.assignee ? t('history.assigned', { to: shortName(assignment.assignee) }) : t('history.unassigned')}
      </span>
    );
  }
  if (complaintStep) return <span>{t('history.step', { step: label(complaintStep) })}</span>;
  if (survey) {
    return (
      <span>
        {label(survey.state)}
        {survey.state === 'SURVEY_STATE_ANSWERED' ? ` · ${survey.score} ${survey.comment}` : ''}
      </span>
    );
  }
  return <span>{t(paused ? 'history.paused' : 'history.resumed')}</span>;
}

/** Everything that happened to a case. */
export function CaseHistory({ id }: { id: string }) {
  const { t } = useWords();
  const { data, error, isPending, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery({
    queryKey: ['case', id, 'history'],
    queryFn: ({ pageParam, signal }) => listCaseHistory(id, pageParam, signal),
    initialPageParam: '',
    getNextPageParam: (last) => last.nextPageToken || undefined,
  });
  const entries = data?.pages.flatMap((page) => page.entries) ?? [];
  return (
    <Card size="small" title={t('history.title')}>
      {error ? <Failed error={error} retry={() => void refetch()} /> : null}
      {isPending ? <Skeleton active title={false} /> : null}
      {data && entries.length === 0 ? (
        <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('history.none')} />
      ) : null}
      <Timeline
        style={{ marginTop: 8 }}
        items={entries.map((entry) => ({
          key: entry.name,
          content: (
            <Flex vertical gap={2}>
              <Change entry={entry} />
              <Typography.Text type="secondary">
                <When time={entry.occurTime} /> · <StaffName name={entry.actor} />
              </Typography.Text>
            </Flex>
          ),
        }))}
      />
      {hasNextPage ? (
        <Button type="link" block loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          {t('common.more')}
        </Button>
      ) : null}
    </Card>
  );
}
