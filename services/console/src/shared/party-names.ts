import { batchGetParties } from '../api/customer.js';

interface Waiting {
  name: string;
  resolve: (displayName: string) => void;
  reject: (error: unknown) => void;
}

const batchSize = 100;
let waiting: Waiting[] = [];

async function loadAll(): Promise<void> {
  const all = waiting;
  waiting = [];
  for (let start = 0; start < all.length; start += batchSize) {
    const part = all.slice(start, start + batchSize);
    try {
      const { parties } = await batchGetParties([...new Set(part.map(({ name }) => name))]);
      // A name that was merged answers its golden record, which lists it as an alias.
      const names = new Map(
        parties.flatMap((party) => [party.name, ...(party.aliases ?? [])].map((name) => [name, party.displayName])),
      );
      for (const one of part) one.resolve(names.get(one.name) ?? '');
    } catch (error) {
      for (const one of part) one.reject(error);
    }
  }
}

/** The display name of a party, asked for together with the others of the page; empty when it may not be seen. */
export function loadPartyName(name: string): Promise<string> {
  return new Promise((resolve, reject) => {
    if (waiting.length === 0) setTimeout(() => void loadAll(), 10);
    waiting.push({ name, resolve, reject });
  });
}
