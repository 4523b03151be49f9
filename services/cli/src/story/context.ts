import type { Bank } from '../bank/bank.js';
import { stableId } from '../bank/stable-id.js';
import type { Clients, Person } from '../clients.js';
import type { Progress } from '../progress.js';

/** What every chapter of the story works with. */
export interface Story {
  readonly bank: Bank;
  readonly clients: Clients;
  readonly progress: Progress;
  /** A request id for a step: the same words give the same id in every run. */
  request(...words: readonly (string | number)[]): string;
  /** An employee by the end of the id: `marketer`, `approver`, `planner`, `controller`. */
  employee(role: string): Person;
}

export function newStory(bank: Bank, clients: Clients, progress: Progress): Story {
  return {
    bank,
    clients,
    progress,
    request: (...words) => stableId(bank.id, ...words),
    employee(role) {
      const found = bank.staff.find((person) => person.id === `${bank.id}-${role}`);
      if (!found) throw new Error(`bank ${bank.id} has no ${role}`);
      return found;
    },
  };
}
