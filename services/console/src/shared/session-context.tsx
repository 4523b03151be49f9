import { createContext, useContext } from 'react';
import type { Session } from '../api/session.js';
import { type Ability, may } from './access.js';

const SessionContext = createContext<Session | undefined>(undefined);

export const SessionProvider = SessionContext.Provider;

/** The person at work; only below a SessionProvider. */
export function useSession(): Session & { may: (ability: Ability) => boolean } {
  const session = useContext(SessionContext);
  if (!session) throw new Error('no session');
  return { ...session, may: (ability) => may(session.roles, ability) };
}
