import { useQueries, useQuery } from '@tanstack/react-query';
import { Select } from 'antd';
import { useMemo, useState } from 'react';
import { getSegment, listSegments } from '../api/segmentation.js';
import { idOf } from './format.js';
import { useLater } from './use-later.js';
import { useWords } from './words.js';

const searchAfterMs = 250;
/** So many are offered at a time; further ones are found by their words. */
const OFFERED = 50;

/** What segments are called, by `segments/{id}`; one that cannot be read keeps its name. */
export function useSegmentTitles(names: readonly string[]): ReadonlyMap<string, string> {
  const found = useQueries({
    queries: names.map((name) => ({
      queryKey: ['segment', idOf(name)],
      queryFn: ({ signal }: { signal: AbortSignal }) => getSegment(idOf(name), signal),
      staleTime: 60_000,
      retry: false,
    })),
  });
  const titles = found.map(({ data }) => data?.segment.title).join('\n');
  // The answers are new objects each time, their titles are not.
  return useMemo(
    () => new Map(names.map((name, index) => [name, found[index]?.data?.segment.title ?? idOf(name)])),
    [names.join(), titles],
  );
}

/** Segments in use that have the words in their title or id, as options; the service looks for them. */
function useSearch(except: readonly string[]) {
  const [text, setText] = useState('');
  const words = useLater(text, searchAfterMs);
  const { data, isFetching, error } = useQuery({
    queryKey: ['segments', 'in-use', words],
    queryFn: ({ signal }) => listSegments('', signal, OFFERED, '', { query: words, inUse: true }),
    staleTime: 30_000,
    placeholderData: (last) => last,
  });
  const options = (data?.segments ?? [])
    .filter(({ name }) => !except.includes(name))
    .map(({ name, title }) => ({ value: name, label: title }));
  return { options, setText, loading: isFetching || words !== text, failed: error !== null };
}

/** What a list of segments says when it has none to offer. */
function useNothing(loading: boolean, failed: boolean): string {
  const { t } = useWords();
  if (failed) return t('segment.searchFailed');
  return loading ? t('segment.searching') : t('segment.notFound');
}

interface SelectProps {
  /** `segments/{id}`. */
  value: readonly string[];
  onChange: (names: string[]) => void;
  label: string;
  most: number;
  except?: readonly string[];
}

/** Some of the segments in use, looked for by title or id. */
export function SegmentSelect({ value, onChange, label, most, except = [] }: SelectProps) {
  const { options, setText, loading, failed } = useSearch(except);
  const titles = useSegmentTitles(value);
  const nothing = useNothing(loading, failed);
  const chosen = value.filter((name) => !options.some((one) => one.value === name));
  return (
    <Select
      mode="multiple"
      maxCount={most}
      value={[...value]}
      options={[...options, ...chosen.map((name) => ({ value: name, label: titles.get(name) ?? name }))]}
      loading={loading}
      aria-label={label}
      placeholder={label}
      notFoundContent={nothing}
      showSearch={{ filterOption: false, onSearch: setText }}
      style={{ minWidth: 320, flex: 1 }}
      onChange={(names: string[]) => onChange(names)}
    />
  );
}

interface PickProps {
  label: string;
  except?: readonly string[];
  onPick: (segment: { name: string; title: string }) => void;
}

/** One of the segments in use, to do something with at once. */
export function SegmentPick({ label, except = [], onPick }: PickProps) {
  const { options, setText, loading, failed } = useSearch(except);
  const nothing = useNothing(loading, failed);
  return (
    <Select
      value={null}
      size="small"
      options={options}
      loading={loading}
      aria-label={label}
      placeholder={label}
      notFoundContent={nothing}
      showSearch={{ filterOption: false, onSearch: setText }}
      onSelect={(name: string | null) => {
        const found = options.find((one) => one.value === name);
        if (found) onPick({ name: found.value, title: found.label });
      }}
    />
  );
}
