import { Select } from 'antd';
import { type Ref, useImperativeHandle, useMemo, useRef } from 'react';
import type { Attribute, RuleProblem } from '../../api/segmentation.js';
import { beginning, operatorsOf } from '../../rule/attributes.js';
import { NotShowable, type Token, tokens } from '../../rule/tokens.js';
import { writeLeaf } from '../../rule/write-cel.js';
import { useCatalogue } from '../../shared/use-catalogue.js';
import { useWords } from '../../shared/words.js';

interface Piece {
  text: string;
  kind: string;
  wrong: boolean;
}

/** The position in a text of a line and a column, both counted from 1 in characters. */
function offsetOf(text: string, line: number, column: number): number {
  const lines = text.split('\n');
  const before = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  const characters = [...(lines[line - 1] ?? '')].slice(0, column - 1).join('');
  return Math.min(before + characters.length, text.length);
}

/** From where to where the problem is underlined: the word that begins there, at least one character. */
export function problemRange(text: string, { line, column }: RuleProblem): [from: number, to: number] {
  const from = Math.max(Math.min(offsetOf(text, line, column), text.length - 1), 0);
  const word = /^(?:[\w.]+|"[^"\n]*"?|&&|\|\||[=!<>]=|[^\n])/.exec(text.slice(from))?.[0] ?? ' ';
  return [from, from + word.length];
}

function kindOf({ kind, value }: Token): string {
  if (kind === 'word')
    return ['true', 'false', 'in', 'duration', 'date', 'timestamp'].includes(value) ? 'sign' : 'word';
  return kind === 'text' ? 'quoted' : kind;
}

/** The text cut where its colour or the underline changes. */
function piecesOf(text: string, problem: RuleProblem | undefined): Piece[] {
  let found: Token[] = [];
  try {
    found = tokens(text);
  } catch (error) {
    if (!(error instanceof NotShowable)) throw error;
  }
  const [from, to] = problem ? problemRange(text, problem) : [-1, -1];
  const cuts = new Set([0, text.length, ...found.flatMap(({ start, end }) => [start, end])]);
  if (problem) for (const cut of [from, to]) cuts.add(cut);
  const ordered = [...cuts].sort((a, b) => a - b);
  return ordered.slice(0, -1).map((start, index) => {
    const token = found.find((one) => one.start <= start && start < one.end);
    return {
      text: text.slice(start, ordered[index + 1]),
      kind: token ? kindOf(token) : '',
      wrong: start >= from && start < to,
    };
  });
}

/** What the page does with the box of the text. */
export interface RuleTextBox {
  showProblem(): void;
}

interface RuleTextProps {
  rule: string;
  problem: RuleProblem | undefined;
  attributes: readonly Attribute[];
  onChange: (rule: string) => void;
  ref: Ref<RuleTextBox>;
}

/** A rule as text, coloured, with what is wrong in it underlined. The browser's own text box lies over the colours. */
export function RuleText({ rule, problem, attributes, onChange, ref }: RuleTextProps) {
  const { t } = useWords();
  const { titleOf } = useCatalogue();
  const area = useRef<HTMLTextAreaElement>(null);
  useImperativeHandle(ref, () => ({
    showProblem: () => {
      if (!problem) return;
      area.current?.focus();
      area.current?.setSelectionRange(...problemRange(rule, problem));
    },
  }));
  const pieces = useMemo(() => piecesOf(rule, problem), [rule, problem]);
  const insert = (key: string): void => {
    const attribute = attributes.find((one) => one.key === key);
    const at = area.current?.selectionStart ?? rule.length;
    const line = writeLeaf({ field: key, operator: operatorsOf(attribute)[0] ?? '==', value: beginning(attribute) });
    const before = rule.slice(0, at);
    const joined = before.trim() === '' || /[(!&|]\s*$/.test(before) ? line : ` && ${line}`;
    onChange(`${before}${joined}${rule.slice(at)}`);
    area.current?.focus();
  };
  return (
    <>
      <div className={problem ? 'rule-area rule-area-wrong' : 'rule-area'}>
        <pre aria-hidden>
          {pieces.map((piece, index) => (
            // eslint-disable-next-line react/no-array-index-key
            <span key={index} className={`rule-${piece.kind}${piece.wrong ? ' rule-wrong' : ''}`}>
              {piece.text}
            </span>
          ))}
          {'\n'}
        </pre>
        <textarea
          ref={area}
          aria-label={t('rule.text')}
          aria-invalid={problem !== undefined}
          aria-describedby="rule-problem"
          value={rule}
          rows={5}
          maxLength={4000}
          spellCheck={false}
          autoCapitalize="off"
          onChange={(event) => onChange(event.target.value)}
        />
      </div>
      <Select
        value={null}
        aria-label={t('rule.insert')}
        placeholder={t('rule.insert')}
        showSearch={{ optionFilterProp: 'label' }}
        style={{ width: 320, marginTop: 8 }}
        options={attributes.map(({ key }) => ({ value: key, label: `${titleOf(key)} · ${key}` }))}
        onSelect={(key: string | null) => (key ? insert(key) : undefined)}
      />
    </>
  );
}
