import type { GroupTitle } from '../../api/schemes.js';
import { useWords } from '../../shared/words.js';

/** The title of a group in the reader's language. */
export function useGroupTitle(): (group: GroupTitle | undefined) => string {
  const { language } = useWords();
  return (group) =>
    (language === 'zh' ? group?.titleZh || group?.title : group?.title || group?.titleZh) || group?.groupId || '';
}
