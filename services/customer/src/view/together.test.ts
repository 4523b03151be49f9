import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import { CustomerView, Interaction, type Party } from '@rapport/proto/customer/v1';
import { Channel } from '@rapport/proto/type/v1';
import {
  account,
  all,
  as,
  authorisedUser,
  createHolding,
  createParty,
  failure,
  operator,
  owner,
  person,
  type Running,
  startCustomer,
} from '../customer.testkit.js';

const PARTIES = 40;

let running: Running;
const parties: Party[] = [];

/** A merged party stands where the one before it stands. */
const branch = (at: number, shift = 0) => `/berka/prague/${((at % 5 === 4 ? at - 1 : at) + shift) % 3}`;
const manager = (at: number, shift = 0) => as({ sub: 'm', roles: ['branch_manager'], orgPath: branch(at, shift) });
const id = (party: Party | undefined) => party?.name.slice('parties/'.length) ?? '';

/** Parties with as much as their number says; each fifth is merged into the one before. */
beforeAll(async () => {
  running = await startCustomer();
  for (let at = 0; at < PARTIES; at += 1) {
    const party = await createParty(running, person({ organisationPath: branch(at) }));
    parties.push(party);
    const before = parties[at - 3];
    const joint = before ? [{ party: before.name, role: authorisedUser }] : [];
    for (let holding = 0; holding < at % 4; holding += 1) {
      await createHolding(running, party.name, account({ owners: [{ party: party.name, role: owner }, ...joint] }));
    }
    for (let call = 0; call < at % 3; call += 1) {
      const time = new Date(Date.now() - 60_000 * (1 + call + at));
      const interaction = {
        channel: Channel.CHANNEL_PHONE,
        direction: 1,
        kind: 'call',
        subject: `${at}.${call}`,
        time,
      };
      const request = { parent: party.name, interaction: Interaction.fromPartial(interaction), requestId: uuidv7() };
      await running.customer.recordInteraction(request, operator());
    }
  }
  for (let at = 4; at < PARTIES; at += 5) {
    const [survivor, merged] = [id(parties[at - 1]), id(parties[at])];
    await all(
      running,
      sql`WITH alias AS (UPDATE party SET merged_into = ${survivor}, golden_id = ${survivor},
          own_organisation_path = organisation_path, own_manager = manager WHERE party_id = ${merged})
        UPDATE party SET aliases = ARRAY[${merged}]::uuid[] WHERE party_id = ${survivor}`,
    );
  }
}, 60_000);

afterAll(() => running.stop());

/** The view without the moments that it was read at. */
async function view(at: number, caller: { token: string }, timelineSize = 0): Promise<unknown> {
  const name = parties[at]?.name ?? '';
  const asked = running.customer.getCustomerView({ name, timelineSize, parts: [] }, caller);
  const answer = await asked.catch(async () => ({ view: undefined, failed: await failure(asked) }));
  const plain = answer.view && (CustomerView.toJSON(answer.view) as Record<string, { asOf?: string }>);
  for (const part of Object.values(plain ?? {})) delete part.asOf;
  return plain ?? answer;
}

test('views asked for together are those asked for one by one, whoever asks and for how much', async () => {
  const asks = parties.flatMap((_party, at) => [
    () => view(at, operator()),
    () => view(at, manager(at)),
    () => view(at, manager(at, 1)),
    () => view(at, operator(), 1),
  ]);
  const alone: unknown[] = [];
  for (const ask of asks) alone.push(await ask());
  expect(await Promise.all(asks.map((ask) => ask()))).toEqual(alone);
  // Every other branch sees nothing of a party.
  expect(
    alone.filter((one) => (one as { failed?: { reason: string } }).failed?.reason === 'PARTY_NOT_FOUND'),
  ).toHaveLength(PARTIES);
});

test('each of them is audited by itself', async () => {
  const read = sql`SELECT count(*)::int AS count FROM kit.audit WHERE action LIKE '%GetCustomerView'`;
  const [before] = await all<{ count: number }>(running, read);
  await Promise.all(parties.map((_party, at) => view(at, operator())));
  const [after] = await all<{ count: number }>(running, read);
  expect((after?.count ?? 0) - (before?.count ?? 0)).toBe(PARTIES);
});
