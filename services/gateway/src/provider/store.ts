/** The embedded provider's memory: what it must find again between two requests of one sign-in. */

interface Payload {
  uid?: string;
  grantId?: string;
  consumed?: number;
}

interface Entry {
  payload: Payload;
  expires: number;
}

const capacity = 10_000;

/** What oidc-provider asks of a store, one per kind of thing. */
export interface Store {
  upsert(id: string, payload: Payload, expiresIn?: number): Promise<void>;
  find(id: string): Promise<Payload | undefined>;
  findByUid(uid: string): Promise<Payload | undefined>;
  findByUserCode(code: string): Promise<undefined>;
  consume(id: string): Promise<void>;
  destroy(id: string): Promise<void>;
  revokeByGrantId(grantId: string): Promise<void>;
}

/** Stores in the memory of this process; the oldest entries go first when they are full. */
export function createStores(): (kind: string) => Store {
  const entries = new Map<string, Entry>();

  const live = (key: string): Payload | undefined => {
    const entry = entries.get(key);
    if (entry && entry.expires > Date.now()) return entry.payload;
    entries.delete(key);
    return undefined;
  };

  return (kind) => ({
    async upsert(id, payload, expiresIn) {
      const key = `${kind}:${id}`;
      entries.delete(key);
      const [oldest] = entries.keys();
      if (entries.size >= capacity && oldest !== undefined) entries.delete(oldest);
      entries.set(key, {
        payload,
        expires: expiresIn ? Date.now() + expiresIn * 1000 : Number.POSITIVE_INFINITY,
      });
    },
    find: async (id) => live(`${kind}:${id}`),
    async findByUid(uid) {
      const found = [...entries].find(([key, { payload }]) => key.startsWith(`${kind}:`) && payload.uid === uid);
      return found && live(found[0]);
    },
    findByUserCode: async () => undefined,
    async consume(id) {
      const payload = live(`${kind}:${id}`);
      if (payload) payload.consumed = Math.floor(Date.now() / 1000);
    },
    async destroy(id) {
      entries.delete(`${kind}:${id}`);
    },
    async revokeByGrantId(grantId) {
      for (const [key, { payload }] of entries) if (payload.grantId === grantId) entries.delete(key);
    },
  });
}
