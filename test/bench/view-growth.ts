import { CustomerServiceService, GetCustomerViewRequest } from '@rapport/proto/customer/v1';
import type { Figure, Say } from './figure.js';
import { type Banks, dearer, grown, microseconds } from './growth.js';
import { type Caller, openCaller } from './load.js';
import { usageOf } from './usage.js';
import type { World } from './world.js';

const IN_FLIGHT = 32;
const WARM_MS = 3_000;
const ROUND_MS = 1_000;
const ROUNDS = 15;

/** A caller that asks for the views of the measured parties of a bank in turn. */
async function viewsOf(world: World): Promise<Caller> {
  const { rows } = await world.database.query<{ id: string }>(
    `SELECT party_id AS id FROM party WHERE source_key NOT LIKE '%/copy/%'`,
  );
  return openCaller({
    address: world.customer,
    path: CustomerServiceService.getCustomerView.path,
    token: world.reader,
    requests: rows.map(({ id }) =>
      Buffer.from(GetCustomerViewRequest.encode({ name: `parties/${id}`, timelineSize: 20, parts: [] }).finish()),
    ),
  });
}

/** Reads the same views from both banks by turns, each first in every second round. */
export async function measureViewGrowth({ small, large }: Banks, say: Say): Promise<Figure[]> {
  const ofSmall = await viewsOf(small);
  const ofLarge = await viewsOf(large);
  const rounds: { small: number; large: number }[] = [];
  const costs: { small: number; large: number }[] = [];
  try {
    say('view_growth: warming up');
    for (const caller of [ofSmall, ofLarge]) await caller.run(WARM_MS, IN_FLIGHT);
    for (let at = 1; at <= ROUNDS; at += 1) {
      const round = { small: 0, large: 0 };
      const cost = { small: 0, large: 0 };
      const callers = { small: ofSmall, large: ofLarge };
      const order = at % 2 === 0 ? (['small', 'large'] as const) : (['large', 'small'] as const);
      for (const bank of order) {
        const usage = usageOf(bank === 'small' ? small : large);
        const began = performance.now();
        round[bank] = await callers[bank].run(ROUND_MS, IN_FLIGHT);
        const views = (round[bank] * (performance.now() - began)) / 1000;
        cost[bank] = microseconds(usage.done().cpuSeconds, views);
      }
      say(
        `view_growth ${at}/${ROUNDS}: ${round.large.toFixed(0)} views a second beside ${round.small.toFixed(0)}; ${cost.large.toFixed(0)} µs of processor each beside ${cost.small.toFixed(0)}`,
      );
      rounds.push(round);
      costs.push(cost);
    }
    return [grown('view_growth', 'calls/s', rounds), dearer('view_growth_cpu', 'µs/call', costs)];
  } finally {
    ofSmall.close();
    ofLarge.close();
  }
}
