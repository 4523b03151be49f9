import { useQuery } from '@tanstack/react-query';
import { Alert, Card, Flex, Input, Skeleton, Tabs, Typography } from 'antd';
import { useEffect, useRef, useState } from 'react';
import { checkRule, listAttributes } from '../../api/segmentation.js';
import { readCel } from '../../rule/read-cel.js';
import type { RuleTree } from '../../rule/tree.js';
import { writeCel } from '../../rule/write-cel.js';
import { Failed } from '../../shared/failed.js';
import { useLater } from '../../shared/use-later.js';
import { useWords } from '../../shared/words.js';
import { RuleBuilder } from './rule-builder.js';

const checkAfterMs = 400;

interface EditorProps {
  rule: string;
  onChange: (rule: string) => void;
}

/** The position in a text of a line and a column counted from 1. */
function offsetOf(text: string, line: number, column: number): number {
  const before = text.split('\n').slice(0, Math.max(line - 1, 0));
  return before.reduce((sum, one) => sum + one.length + 1, 0) + Math.max(column - 1, 0);
}

/** A rule, as lines to click together and as text; whichever is changed, the other follows. */
export function RuleEditor({ rule, onChange }: EditorProps) {
  const { t } = useWords();
  const attributes = useQuery({
    queryKey: ['attributes'],
    queryFn: ({ signal }) => listAttributes(signal),
    staleTime: 300_000,
  });
  const [tree, setTree] = useState<RuleTree | undefined>(() => readCel(rule));
  const [view, setView] = useState(tree ? 'builder' : 'text');
  const written = useRef(rule);
  useEffect(() => {
    // The text changed from outside: by typing, or because another rule was loaded.
    if (rule === written.current) return;
    written.current = rule;
    setTree(readCel(rule));
  }, [rule]);
  const later = useLater(rule, checkAfterMs);
  const check = useQuery({
    queryKey: ['rule', later],
    queryFn: ({ signal }) => checkRule(later, signal),
    enabled: later.trim() !== '',
    staleTime: Infinity,
  });
  const problem = later === rule ? check.data?.problem : undefined;
  const box = useRef<HTMLDivElement>(null);
  const goToProblem = (): void => {
    setView('text');
    // The text box may only just be appearing.
    setTimeout(() => {
      const area = box.current?.querySelector('textarea');
      if (!area || !problem) return;
      const offset = offsetOf(rule, problem.line, problem.column);
      area.focus();
      area.setSelectionRange(offset, Math.min(offset + 1, rule.length));
    });
  };
  return (
    <Card size="small">
      <div ref={box}>
        <Tabs
          activeKey={view}
          onChange={setView}
          items={[
            {
              key: 'builder',
              label: t('rule.builder'),
              children: attributes.isPending ? (
                <Skeleton active />
              ) : attributes.error ? (
                <Failed error={attributes.error} retry={() => void attributes.refetch()} />
              ) : tree ? (
                <RuleBuilder
                  attributes={attributes.data.attributes}
                  tree={tree}
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
                <Input.TextArea
                  className="rule-text"
                  aria-label={t('rule.text')}
                  value={rule}
                  autoSize={{ minRows: 5, maxRows: 16 }}
                  maxLength={4000}
                  spellCheck={false}
                  status={problem ? 'error' : ''}
                  onChange={(event) => onChange(event.target.value)}
                />
              ),
            },
          ]}
        />
      </div>
      <div role="status" style={{ marginTop: 12 }}>
        {check.error ? <Failed error={check.error} retry={() => void check.refetch()} /> : null}
        {problem ? (
          <Alert
            type="error"
            showIcon
            title={t('rule.problemAt', { line: problem.line, column: problem.column })}
            description={problem.message}
            action={
              <Typography.Link role="button" tabIndex={0} onClick={goToProblem}>
                {t('rule.show')}
              </Typography.Link>
            }
          />
        ) : null}
        {!problem && rule.trim() !== '' ? (
          <Flex vertical gap={4}>
            <Typography.Text code className="plain-text">
              {rule}
            </Typography.Text>
            <Typography.Text type="secondary">{check.data?.description}</Typography.Text>
          </Flex>
        ) : null}
      </div>
    </Card>
  );
}
