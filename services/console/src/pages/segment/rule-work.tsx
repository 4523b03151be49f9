import { Button, Col, Flex, Row } from 'antd';
import { useState } from 'react';
import { createSegmentVersion, type SegmentVersion } from '../../api/segmentation.js';
import { dayFromIso, isoDay } from '../../shared/format.js';
import { useSession } from '../../shared/session-context.js';
import { useWrite } from '../../shared/use-write.js';
import { useWords } from '../../shared/words.js';
import { AsOfPicker } from './as-of-picker.js';
import { Insight } from './insight.js';
import { Preview } from './preview.js';
import { RuleEditor } from './rule-editor.js';

interface WorkProps {
  id: string;
  version: SegmentVersion;
  organisationPath: string;
}

/** The rule to change: saving makes the next version, the present one stays as it is. */
export function RuleWork({ id, version, organisationPath }: WorkProps) {
  const { t } = useWords();
  const { may } = useSession();
  const saved = { rule: version.rule, asOf: version.asOf ? isoDay(version.asOf) : '' };
  const [rule, setRule] = useState(saved.rule);
  const [asOf, setAsOf] = useState(saved.asOf);
  const changed = rule !== saved.rule || asOf !== saved.asOf;
  const { mutate, isPending } = useWrite(() => createSegmentVersion(id, rule, dayFromIso(asOf)), {
    done: t('segment.versionSaved'),
    reload: [['segment', id], ['segments'], ['segment-versions', id]],
  });
  return (
    <Row gutter={[16, 16]}>
      <Col xs={24} xl={16}>
        <Flex vertical gap={12}>
          <AsOfPicker value={asOf} onChange={setAsOf} />
          <RuleEditor rule={rule} onChange={setRule} />
          {may('editSegments') ? (
            <Flex gap={8} justify="flex-end">
              <Button
                disabled={!changed}
                onClick={() => {
                  setRule(saved.rule);
                  setAsOf(saved.asOf);
                }}
              >
                {t('segment.revert')}
              </Button>
              <Button
                type="primary"
                disabled={!changed || rule.trim() === ''}
                loading={isPending}
                onClick={() => mutate()}
              >
                {t('segment.saveVersion')}
              </Button>
            </Flex>
          ) : null}
          {may('describeRule') ? (
            <Insight rule={rule} asOf={asOf} organisationPath={organisationPath} segment={`segments/${id}`} />
          ) : null}
        </Flex>
      </Col>
      <Col xs={24} xl={8}>
        {may('previewSegment') ? <Preview rule={rule} asOf={asOf} organisationPath={organisationPath} /> : null}
      </Col>
    </Row>
  );
}
