import { useQuery } from '@tanstack/react-query';
import { Alert, Button, Card, Checkbox, Flex, Input, Progress, Skeleton } from 'antd';
import { useState } from 'react';
import { type Comparison, getMatchCandidate, type Verdict } from '../../api/matching.js';
import { Failed } from '../../shared/failed.js';
import { useSession } from '../../shared/session-context.js';
import { StaffName, State, When } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';
import { Evidence } from './evidence.js';
import { MergePreview, useMergePreview } from './merge-preview.js';
import { SideBySide } from './side-by-side.js';

export interface Saying {
  verdict: Verdict;
  reason: string;
  identifiersMayDiffer?: boolean;
  legalHoldKnown?: boolean;
}

interface CandidateProps {
  name: string;
  busy: boolean;
  onDecide: (comparison: Comparison, saying: Saying) => void;
}

const identifiersDiffer = ({ evidence }: Comparison): boolean =>
  evidence.some(({ field, level }) => field === 'identifier' && level === 'different');

/** Two parties beside each other, what speaks for their being one, and what can be decided. */
export function CandidatePart({ name, busy, onDecide }: CandidateProps) {
  const { t } = useWords();
  const { may } = useSession();
  const [reason, setReason] = useState('');
  const [knows, setKnows] = useState(false);
  const [knowsHold, setKnowsHold] = useState(false);
  const { data, error, refetch } = useQuery({
    queryKey: ['match-candidate', name],
    queryFn: ({ signal }) => getMatchCandidate(name, signal),
  });
  const survivor = data?.survivor ?? '';
  const merged = data?.parties.find(({ name: one }) => one !== survivor)?.name ?? '';
  const isOpen = data?.matchCandidate.state === 'MATCH_CANDIDATE_STATE_OPEN';
  const preview = useMergePreview(survivor, merged, isOpen);
  if (error && !data) return <Failed error={error} retry={() => void refetch()} />;
  if (!data) return <Skeleton active paragraph={{ rows: 10 }} />;
  const { state, decidedBy, decideTime, reason: said } = data.matchCandidate;
  const open = state === 'MATCH_CANDIDATE_STATE_OPEN';
  const decided = /_(SAME|DIFFERENT|NEVER)$/.test(state);
  const reasons = preview.data?.obstacles.map((one) => one.reason) ?? [];
  const differ = identifiersDiffer(data) || reasons.includes('STRONG_IDENTIFIERS_DIFFER');
  const held = reasons.includes('MERGE_UNDER_LEGAL_HOLD');
  const restricted = reasons.includes('PARTY_RESTRICTED');
  const refused = restricted || (differ && !knows) || (held && !knowsHold);
  const say = (verdict: Verdict): void =>
    onDecide(data, {
      verdict,
      reason: reason.trim() || t(`matching.reasons.${verdict}`),
      identifiersMayDiffer: verdict === 'SAME' && knows,
      legalHoldKnown: verdict === 'SAME' && knowsHold,
    });
  return (
    <Flex vertical gap={16} data-testid="candidate">
      <Card size="small">
        <Flex gap={16} align="center" wrap>
          <State value={state} />
          <Progress
            percent={Math.round(data.probability * 1000) / 10}
            size="small"
            style={{ width: 180, margin: 0 }}
            aria-label={t('matching.chance')}
          />
          {decidedBy ? (
            <span>
              <StaffName name={decidedBy} /> · <When time={decideTime} /> · {said}
            </span>
          ) : null}
        </Flex>
        {may('decideMatch') && (open || decided) ? (
          <Flex vertical gap={12} style={{ marginTop: 12 }}>
            {open && differ ? (
              <Alert
                type="warning"
                showIcon
                title={t('matching.identifiersDiffer')}
                description={
                  <Checkbox checked={knows} onChange={(event) => setKnows(event.target.checked)}>
                    {t('matching.identifiersKnown')}
                  </Checkbox>
                }
              />
            ) : null}
            {open && held ? (
              <Alert
                type="warning"
                showIcon
                title={t('matching.held')}
                description={
                  <Checkbox checked={knowsHold} onChange={(event) => setKnowsHold(event.target.checked)}>
                    {t('matching.heldKnown')}
                  </Checkbox>
                }
              />
            ) : null}
            {open && restricted ? <Alert type="error" showIcon title={t('matching.restricted')} /> : null}
            <Input
              aria-label={t('matching.reason')}
              placeholder={t('matching.reasonHint')}
              maxLength={200}
              value={reason}
              onChange={(event) => setReason(event.target.value)}
            />
            <Flex gap={8} wrap>
              {open ? (
                <>
                  <Button type="primary" disabled={busy || refused} onClick={() => say('SAME')}>
                    {t('matching.same')}
                  </Button>
                  <Button disabled={busy} onClick={() => say('DIFFERENT')}>
                    {t('matching.different')}
                  </Button>
                  <Button disabled={busy} onClick={() => say('NEVER')}>
                    {t('matching.never')}
                  </Button>
                </>
              ) : (
                <Button disabled={busy} onClick={() => say('UNDO')}>
                  {t('matching.undo')}
                </Button>
              )}
            </Flex>
            {open ? <span>{t('matching.mergeNote')}</span> : null}
          </Flex>
        ) : null}
      </Card>
      {open ? (
        <Card size="small" title={t('matching.preview')}>
          <MergePreview survivor={survivor} merged={merged} />
        </Card>
      ) : null}
      <Card size="small" title={t('matching.sideBySide')}>
        <SideBySide of={data} />
      </Card>
      <Card size="small" title={t('matching.evidence')}>
        <Evidence of={data} />
      </Card>
    </Flex>
  );
}
