import { useQuery } from '@tanstack/react-query';
import { Button, Flex, Popover, Progress, Typography } from 'antd';
import { getPartyQuality } from '../../api/customer.js';
import { State } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';

/** How good the record is, from 0 to 100; opens into its parts and what is wrong or missing. */
export function QualityBadge({ id }: { id: string }) {
  const { t, code } = useWords();
  const { data } = useQuery({
    queryKey: ['party', id, 'quality'],
    queryFn: ({ signal }) => getPartyQuality(id, signal),
  });
  if (!data) return null;
  const { score, parts, issues } = data.quality;
  return (
    <Popover
      trigger={['click']}
      title={t('partyQuality.title')}
      content={
        <Flex vertical gap={8} style={{ width: 340 }} data-testid="quality">
          {parts.map(({ element, weight, points }) => (
            <Flex key={element} gap={8} align="center">
              <span style={{ width: 110 }}>{code(element)}</span>
              <Progress
                percent={weight ? Math.round((points / weight) * 100) : 0}
                size="small"
                showInfo={false}
                style={{ flex: 1, margin: 0 }}
                aria-label={code(element)}
              />
              <span>{t('partyQuality.points', { points, weight })}</span>
            </Flex>
          ))}
          {issues.length === 0 ? <Typography.Text type="secondary">{t('partyQuality.none')}</Typography.Text> : null}
          {issues.map(({ field, code: what, severity }) => (
            <Flex key={`${field} ${what}`} gap={8}>
              <State value={severity} />
              <span>{code(what)}</span>
            </Flex>
          ))}
        </Flex>
      }
    >
      <Button size="small">{t('partyQuality.score', { score })}</Button>
    </Popover>
  );
}
