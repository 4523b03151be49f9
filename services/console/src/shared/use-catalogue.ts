import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { type Attribute, listAttributes } from '../api/segmentation.js';
import { describeRule, type Naming } from '../rule/describe-rule.js';
import { readCel } from '../rule/read-cel.js';
import { dayFromIso, formatDay } from './format.js';
import { useWords } from './words.js';

const none: Attribute[] = [];

/** The words of the rule language, loaded once, and what they are called in the reader's language. */
export function useCatalogue(enabled = true) {
  const { language } = useWords();
  const query = useQuery({
    queryKey: ['attributes'],
    queryFn: ({ signal }) => listAttributes(signal),
    enabled,
    staleTime: 300_000,
  });
  const attributes = query.data?.attributes ?? none;
  const byKey = useMemo(() => new Map(attributes.map((one) => [one.key, one])), [attributes]);
  const titleOf = (key: string): string => {
    const attribute = byKey.get(key);
    return (language === 'zh' ? attribute?.titleZh : attribute?.titleEn) || key;
  };
  const unitOf = ({ unit, unitZh }: Attribute): string => (language === 'zh' ? unitZh || unit : unit);
  const { isPending, error, refetch } = query;
  return { attributes, byKey, titleOf, unitOf, isPending, error, refetch };
}

/** How rules are said in the reader's language. */
export function useNaming(enabled = true): { naming: Naming; byKey: ReadonlyMap<string, Attribute> } {
  const { t, code, language } = useWords();
  const { byKey, titleOf, unitOf } = useCatalogue(enabled);
  const naming: Naming = {
    t: (key, values) => t(key, values ?? {}),
    code,
    attribute: titleOf,
    unit: unitOf,
    number: (value) =>
      new Intl.NumberFormat(language === 'zh' ? 'zh-CN' : 'en-GB', { maximumFractionDigits: 20 }).format(
        value as `${number}`,
      ),
    day: (value) => {
      const date = dayFromIso(value);
      return date ? formatDay(date, language) : value;
    },
  };
  return { naming, byKey };
}

/** Says a rule in the reader's language; `english` is what the service says, for rules that cannot be read here. */
export function useRuleWords(): (rule: string, english: string) => string {
  const { language } = useWords();
  const { naming, byKey } = useNaming(language !== 'en');
  return (rule, english) => {
    if (language === 'en' && english) return english;
    const tree = readCel(rule);
    if (!tree || tree.rules.length === 0) return english;
    return describeRule(tree, byKey, naming);
  };
}
