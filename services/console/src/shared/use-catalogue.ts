import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { type Attribute, listAttributes } from '../api/segmentation.js';
import { describeRule } from '../rule/describe-rule.js';
import { readCel } from '../rule/read-cel.js';
import { dayFromIso, formatDay } from './format.js';
import { useWords } from './words.js';

const none: Attribute[] = [];

/** The words of the rule language, loaded once. */
export function useCatalogue(enabled = true) {
  const query = useQuery({
    queryKey: ['attributes'],
    queryFn: ({ signal }) => listAttributes(signal),
    enabled,
    staleTime: 300_000,
  });
  const attributes = query.data?.attributes ?? none;
  const byKey = useMemo(() => new Map(attributes.map((one) => [one.key, one])), [attributes]);
  return { attributes, byKey, isPending: query.isPending, error: query.error, refetch: query.refetch };
}

/** Says a rule in the reader's language; `english` is what the service says, for rules that cannot be read here. */
export function useRuleWords(): (rule: string, english: string) => string {
  const { t, code, language } = useWords();
  const { byKey } = useCatalogue(language !== 'en');
  return (rule, english) => {
    if (language === 'en') return english;
    const tree = readCel(rule);
    if (!tree || tree.rules.length === 0) return english;
    return describeRule(tree, byKey, {
      t: (key, values) => t(key, values ?? {}),
      code,
      attribute: code,
      number: (value) => new Intl.NumberFormat('zh-CN', { maximumFractionDigits: 20 }).format(value as `${number}`),
      day: (value) => {
        const date = dayFromIso(value);
        return date ? formatDay(date, language) : value;
      },
    });
  };
}
