import { Alert, Button, Col, Flex, Row } from 'antd';
import { useState } from 'react';
import { createSegmentVersion, type SegmentVersion } from '../../api/segmentation.js';
import { dayFromIso, isoDay } from '../../shared/format.js';
import { useSession } from '../../shared/session-context.js';
import { StaffName } from '../../shared/show.js';
import { useRuleWords } from '../../shared/use-catalogue.js';
import { useWrite } from '../../shared/use-write.js';
import { useWords } from '../../shared/words.js';
import { AsOfPicker } from './as-of-picker.js';
import { Insight } from './insight.js';
import { Preview } from './preview.js';
import { RuleEditor } from './rule-editor.js';
import { RuleParts } from './rule-parts.js';

interface WorkProps {
  id: string;
  version: SegmentVersion;
  organisationPath: string;
}

const dayOf = ({ asOf }: SegmentVersion): string => (asOf ? isoDay(asOf) : '');

/** The rule to change: saving makes the next version, the present one stays as it is. */
export function RuleWork({ id, version, organisationPath }: WorkProps) {
  const { t } = useWords();
  const { may } = useSession();
  const say = useRuleWords();
  // What the rule was made from; somebody may save a newer version meanwhile.
  const [base, setBase] = useState(version);
  const [rule, setRule] = useState(base.rule);
  const [asOf, setAsOf] = useState(dayOf(base));
  const differsFrom = (other: SegmentVersion): boolean => rule !== other.rule || asOf !== dayOf(other);
  const changed = differsFrom(base);
  const take = (other: SegmentVersion): void => {
    setBase(other);
    setRule(other.rule);
    setAsOf(dayOf(other));
  };
  const overtaken = base.name !== version.name;
  // Nothing of one's own would be lost.
  if (overtaken && (!changed || !differsFrom(version))) take(version);
  const createNext = () => createSegmentVersion(id, { rule, asOf: dayFromIso(asOf), baseVersion: base.version });
  const { mutate, isPending } = useWrite(createNext, {
    done: t('segment.versionSaved'),
    reload: [['segment', id], ['segments'], ['segment-versions', id]],
  });
  return (
    <Row gutter={[16, 16]}>
      <Col xs={24} xl={16}>
        <Flex vertical gap={12}>
          {overtaken && changed ? (
            <Alert
              type="warning"
              showIcon
              title={t('segment.overtaken', { version: version.version })}
              description={
                <>
                  <StaffName name={version.createdBy} />: {say(version.rule, version.description)}
                </>
              }
              action={
                <Flex vertical gap={8}>
                  <Button size="small" onClick={() => take(version)}>
                    {t('segment.takeTheirs')}
                  </Button>
                  <Button size="small" onClick={() => setBase(version)}>
                    {t('segment.keepMine')}
                  </Button>
                </Flex>
              }
            />
          ) : null}
          <AsOfPicker value={asOf} onChange={setAsOf} />
          <RuleEditor rule={rule} onChange={setRule} />
          {may('editSegments') ? (
            <Flex gap={8} justify="flex-end">
              <Button disabled={!changed} onClick={() => take(base)}>
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
        <Flex vertical gap={16}>
          {may('previewSegment') ? <Preview rule={rule} asOf={asOf} organisationPath={organisationPath} /> : null}
          {may('describeRule') ? <RuleParts rule={rule} asOf={asOf} organisationPath={organisationPath} /> : null}
        </Flex>
      </Col>
    </Row>
  );
}
