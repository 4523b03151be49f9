import { Card, Tabs } from 'antd';
import { useWords } from '../../shared/words.js';
import { Distributions } from './distributions.js';
import { Overlap } from './overlap.js';

interface InsightProps {
  rule: string;
  /** `1994-03-31`, or empty for today. */
  asOf: string;
  organisationPath: string;
  /** The segment that the rule is of. */
  segment?: string;
}

/** What the customers of a rule are like, and in which segments they are too. Each part is asked for when it is opened. */
export function Insight({ rule, asOf, organisationPath, segment }: InsightProps) {
  const { t } = useWords();
  const asked = { rule, asOf, organisationPath };
  return (
    <Card size="small">
      <Tabs
        destroyOnHidden
        items={[
          { key: 'distributions', label: t('insight.title'), children: <Distributions {...asked} /> },
          {
            key: 'overlap',
            label: t('overlap.title'),
            children: <Overlap {...asked} {...(segment ? { except: segment } : {})} />,
          },
        ]}
      />
    </Card>
  );
}
