import { Input, Space } from 'antd';
import { createContext, useContext } from 'react';
import type { GroupTitle } from '../../api/schemes.js';
import { useWords } from '../../shared/words.js';

/** The id of a group by its title, where the person has not chosen one: Latin letters only. */
export function groupIdOf(title: string, fallback: string): string {
  const id = title
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, 30)
    .replace(/-+$/, '');
  return id || fallback;
}

/** The ids of the groups that a saved version has: they are segments, which a new title does not turn into others. */
export const KeptGroups = createContext<ReadonlySet<string>>(new Set());

interface GroupProps {
  group: GroupTitle;
  /** From 0; names a group that has no Latin title. */
  index: number;
  onChange: (group: GroupTitle) => void;
}

/** What a group is called, in both languages, and its id. */
export function GroupInput({ group, index, onChange }: GroupProps) {
  const { t, language } = useWords();
  const kept = useContext(KeptGroups);
  const fallback = `group-${index + 1}`;
  const english = (
    <Input
      key="en"
      value={group.title}
      maxLength={120}
      aria-label={t('scheme.groupTitle')}
      placeholder={t('scheme.groupTitle')}
      style={{ width: 170 }}
      onChange={({ target }) => {
        const made = group.groupId === groupIdOf(group.title, fallback) || group.groupId === '';
        const follows = made && !kept.has(group.groupId);
        const groupId = follows ? groupIdOf(target.value, fallback) : group.groupId;
        onChange({ ...group, title: target.value, groupId });
      }}
    />
  );
  const chinese = (
    <Input
      key="zh"
      value={group.titleZh}
      maxLength={120}
      aria-label={t('scheme.groupTitleZh')}
      placeholder={t('scheme.groupTitleZh')}
      style={{ width: 130 }}
      onChange={({ target }) => onChange({ ...group, titleZh: target.value })}
    />
  );
  return (
    <Space size={4} wrap>
      {language === 'zh' ? [chinese, english] : [english, chinese]}
      <Input
        value={group.groupId}
        maxLength={30}
        aria-label={t('segment.id')}
        placeholder={t('segment.id')}
        className="mono"
        style={{ width: 130 }}
        onChange={({ target }) => onChange({ ...group, groupId: target.value })}
      />
    </Space>
  );
}
