import { Card, Flex, Skeleton, Typography } from 'antd';
import type { ReactNode } from 'react';
import { Failed } from '../../shared/failed.js';
import { AsOf } from '../../shared/show.js';

interface PartProps {
  title: string;
  asOf?: string | undefined;
  action?: ReactNode;
  /** What to say instead of the children when there is nothing; undefined when there is something. */
  empty?: string | undefined;
  loading?: boolean;
  error?: unknown;
  retry?: () => void;
  children: ReactNode;
}

/** One part of the customer page. A part that fails does not take the others with it. */
export function Part({ title, asOf, action, empty, loading = false, error, retry, children }: PartProps) {
  let body = children;
  if (error) body = <Failed error={error} {...(retry ? { retry } : {})} />;
  else if (loading) body = <Skeleton active title={false} />;
  else if (empty) body = <Typography.Text type="secondary">{empty}</Typography.Text>;
  return (
    <Card
      size="small"
      title={<h2 style={{ fontSize: 15, margin: 0, whiteSpace: 'normal' }}>{title}</h2>}
      extra={action}
    >
      {body}
      <Flex justify="flex-end">
        <AsOf time={asOf} />
      </Flex>
    </Card>
  );
}
