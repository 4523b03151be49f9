import { useQuery } from '@tanstack/react-query';
import { Alert, Card, Collapse, Flex, Skeleton, Tabs, Typography } from 'antd';
import { useEffect, useMemo, useRef, useState } from 'react';
import { checkRule } from '../../api/segmentation.js';
import { problemInChinese } from '../../i18n/rule-problems.zh.js';
import { withEditors } from '../../rule/attributes.js';
import { readCel } from '../../rule/read-cel.js';
import type { RuleTree } from '../../rule/tree.js';
import { writeCel } from '../../rule/write-cel.js';
import { Failed } from '../../shared/failed.js';
import { useCatalogue, useRuleWords } from '../../shared/use-catalogue.js';
import { useLater } from '../../shared/use-later.js';
import { useWords } from '../../shared/words.js';
import { RuleBuilder } from './rule-builder.js';
import { RuleText, type RuleTextBox } from './rule-text.js';

const checkAfterMs = 400;

const meanings = ['missing', 'zero', 'day', 'window', 'numbers', 'money', 'owned', 'merged', 'words'] as const;

/** What rules mean, in a few sentences: the same that the README of the service has. */
function RuleHelp() {
  const { t } = useWords();
  return (
    <ul style={{ margin: 0, paddingInlineStart: 18 }}>
      {meanings.map((one) => (
        <li key={one}>{t(`ruleHelp.${one}`)}</li>
      ))}
    </ul>
  );
}

interface EditorProps {
  rule: string;
  onChange: (rule: string) => void;
}

/** A rule, as lines to click together and as text; whichever is changed, the other follows. */
export function RuleEditor({ rule, onChange }: EditorProps) {
  const { t, label, language } = useWords();
  const say = useRuleWords();
  const catalogue = useCatalogue();
  const [tree, setTree] = useState<RuleTree | undefined>(() => readCel(rule));
  const [view, setView] = useState(tree ? 'builder' : 'text');
  const written = useRef(rule);
  useEffect(() => {
    // The text changed from outside: by typing, or because another rule was loaded.
    if (rule === written.current) return;
    written.current = rule;
    setTree(readCel(rule));
  }, [rule]);
  const shown = useMemo(() => tree && withEditors(tree, catalogue.byKey), [tree, catalogue.byKey]);
  const later = useLater(rule, checkAfterMs);
  const check = useQuery({
    queryKey: ['rule', later],
    queryFn: ({ signal }) => checkRule(later, signal),
    enabled: later.trim() !== '',
    staleTime: Infinity,
  });
  const problem = later === rule && rule.trim() !== '' ? check.data?.problem : undefined;
  const box = useRef<RuleTextBox>(null);
  const goToProblem = (): void => {
    setView('text');
    // The text box may only just be appearing.
    setTimeout(() => box.current?.showProblem());
  };
  return (
    <Card size="small">
      <Tabs
        activeKey={view}
        onChange={setView}
        items={[
          {
            key: 'builder',
            label: t('rule.builder'),
            children: catalogue.isPending ? (
              <Skeleton active />
            ) : catalogue.error ? (
              <Failed error={catalogue.error} retry={() => void catalogue.refetch()} />
            ) : shown ? (
              <RuleBuilder
                attributes={catalogue.attributes}
                tree={shown}
                onChange={(next) => {
                  setTree(next);
                  written.current = writeCel(next);
                  onChange(written.current);
                }}
              />
            ) : (
              <Alert type="info" showIcon title={t('rule.notShowable')} description={t('rule.notShowableAdvice')} />
            ),
          },
          {
            key: 'text',
            label: t('rule.text'),
            children: (
              <RuleText ref={box} rule={rule} problem={problem} attributes={catalogue.attributes} onChange={onChange} />
            ),
          },
        ]}
      />
      <div role="status" id="rule-problem" style={{ marginTop: 12 }}>
        {check.error ? <Failed error={check.error} retry={() => void check.refetch()} /> : null}
        {problem ? (
          <Alert
            type="error"
            showIcon
            title={`${t('rule.problemAt', { line: problem.line, column: problem.column })} · ${label(`RULE_${problem.reason}`)}`}
            description={language === 'zh' ? problemInChinese(problem.message) : problem.message}
            action={
              <Typography.Link role="button" tabIndex={0} onClick={goToProblem}>
                {t('rule.show')}
              </Typography.Link>
            }
          />
        ) : null}
        {!problem && rule.trim() !== '' ? (
          <Flex vertical gap={4}>
            {view === 'builder' ? (
              <Typography.Text code className="plain-text">
                {rule}
              </Typography.Text>
            ) : null}
            <Typography.Text type="secondary">{say(rule, check.data?.description ?? '')}</Typography.Text>
          </Flex>
        ) : null}
      </div>
      <Collapse ghost size="small" items={[{ key: 'meaning', label: t('ruleHelp.title'), children: <RuleHelp /> }]} />
    </Card>
  );
}
