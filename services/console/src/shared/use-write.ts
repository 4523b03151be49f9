import { type QueryKey, useMutation, useQueryClient } from '@tanstack/react-query';
import { App } from 'antd';
import { useShowFailure } from './failed.js';

/** Does a write; says that it was done, or why not; then reloads what it may have changed. */
export function useWrite<Input, Answer>(
  act: (input: Input) => Promise<Answer>,
  { done, reload, after }: { done: string; reload: QueryKey[]; after?: (answer: Answer, input: Input) => void },
) {
  const queries = useQueryClient();
  const { message } = App.useApp();
  const showFailure = useShowFailure();
  return useMutation({
    mutationFn: act,
    onSuccess: (answer, input) => {
      void message.success(done);
      for (const queryKey of reload) void queries.invalidateQueries({ queryKey });
      after?.(answer, input);
    },
    onError: (error) => {
      showFailure(error);
      // Whatever stands on the page may be what was refused, as after somebody else's change.
      for (const queryKey of reload) void queries.invalidateQueries({ queryKey });
    },
  });
}
