import { Menu } from 'antd';
import { Link, useLocation } from 'react-router';
import { useSession } from '../../shared/session-context.js';
import { useWords } from '../../shared/words.js';

/** The pages around segments. */
const around = [
  { path: '/segments', word: 'segment.all', ability: 'viewSegments' },
  { path: '/segmentation/schemes', word: 'scheme.title', ability: 'viewSegments' },
  { path: '/segmentation/lists', word: 'list.title', ability: 'viewSegments' },
  { path: '/segmentation/templates', word: 'template.title', ability: 'viewAttributes' },
  { path: '/segmentation/flows', word: 'flows.title', ability: 'viewSegments' },
  { path: '/segmentation/attributes', word: 'catalogue.title', ability: 'viewAttributes' },
] as const;

/** Leads from one page about segments to the others. */
export function SegmentPlaces() {
  const { t } = useWords();
  const { may } = useSession();
  const { pathname } = useLocation();
  return (
    <Menu
      mode="horizontal"
      selectedKeys={[pathname]}
      style={{ marginBottom: 16, background: 'transparent' }}
      items={around
        .filter(({ ability }) => may(ability))
        .map(({ path, word }) => ({ key: path, label: <Link to={path}>{t(word)}</Link> }))}
    />
  );
}
