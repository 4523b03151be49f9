import { CustomerServiceService, GetCustomerViewRequest, GetPartyRequest } from '@rapport/proto/customer/v1';
import { compared, type Figure, median, p99, type Round, type Say } from './figure.js';
import { openCaller } from './load.js';
import type { World } from './world.js';

const IN_FLIGHT = 32;
const WARM_MS = 3_000;
const ROUND_MS = 1_500;
const ROUNDS = 7;
const GOAL = 0.8;
const P99_GOAL = 2;

interface Read {
  name: string;
  /** Of the service. */
  path: string;
  /** Of the bare server. */
  bare: string;
  encode(name: string): Buffer;
}

const reads: readonly Read[] = [
  {
    name: 'get_party',
    path: CustomerServiceService.getParty.path,
    bare: '/bench.Bare/GetParty',
    encode: (name) => Buffer.from(GetPartyRequest.encode({ name }).finish()),
  },
  {
    name: 'get_customer_view',
    path: CustomerServiceService.getCustomerView.path,
    bare: '/bench.Bare/GetCustomerView',
    encode: (name) => Buffer.from(GetCustomerViewRequest.encode({ name, timelineSize: 20, parts: [] }).finish()),
  },
];

/**
 * Reads by turns from the service and from the bare server, by one client: first as fast as they answer, with the same
 * calls in flight, then at the same rate, half of what the bare server answers. Gives how often each answers and the
 * time within which 99 of 100 calls are answered. The service may read for several calls by one statement; the bare
 * server sends the same statement for each call by itself.
 */
export async function measureRead(world: World, name: string, say: Say): Promise<Figure[]> {
  const read = reads.find((one) => one.name === name);
  if (!read) throw new Error(`no read is called ${name}`);
  const found = await world.database.query<{ id: string }>('SELECT party_id AS id FROM party');
  const requests = found.rows.map(({ id }) => read.encode(`parties/${id}`));
  const common = { token: world.reader, requests };
  const service = openCaller({ ...common, address: world.customer, path: read.path });
  const bare = openCaller({ ...common, address: world.bare, path: read.bare });
  try {
    say(`${name}: warming up`);
    await bare.run(WARM_MS, IN_FLIGHT);
    await service.run(WARM_MS, IN_FLIGHT);
    const rates: Round[] = [];
    for (let at = 1; at <= ROUNDS; at += 1) {
      const round = { bare: await bare.run(ROUND_MS, IN_FLIGHT), service: await service.run(ROUND_MS, IN_FLIGHT) };
      say(`${name} ${at}/${ROUNDS}: ${round.service.toFixed(0)} of ${round.bare.toFixed(0)} calls a second`);
      rates.push(round);
    }
    await world.rest();
    const rate = median(rates.map((round) => round.bare)) / 2;
    const times: Round[] = [];
    for (let at = 1; at <= ROUNDS; at += 1) {
      const round = { bare: p99(await bare.pace(ROUND_MS, rate)), service: p99(await service.pace(ROUND_MS, rate)) };
      say(`${name}_p99 ${at}/${ROUNDS}: ${round.service.toFixed(1)} ms beside ${round.bare.toFixed(1)} ms`);
      times.push(round);
    }
    return [
      compared(name, 'calls/s', GOAL, rates),
      { ...compared(`${name}_p99`, 'ms', P99_GOAL, times, 1), bound: 'most' },
    ];
  } finally {
    service.close();
    bare.close();
  }
}
