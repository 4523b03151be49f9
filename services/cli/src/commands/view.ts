import { CustomerViewPart, GetCustomerViewResponse } from '@rapport/proto/customer/v1';
import type { Clients } from '../clients.js';
import { currentBank } from '../memory.js';
import { OperatorError, type Suite } from '../suite.js';
import { print, table } from '../output.js';

/**
 * `rapport view <party>`: the whole view of one customer. The party is a resource name, a bare id, or a key of the
 * bank's source system such as `client/1`.
 */
export async function view(
  suite: Suite,
  clients: Clients,
  party: string,
  flags: { bank?: string; json?: boolean },
): Promise<void> {
  const answer = await clients.customer.getCustomerView({
    name: await partyName(suite, clients, party, flags.bank),
    timelineSize: 50,
    parts: [
      CustomerViewPart.CUSTOMER_VIEW_PART_GOLDEN_RECORD,
      CustomerViewPart.CUSTOMER_VIEW_PART_HOUSEHOLDS,
      CustomerViewPart.CUSTOMER_VIEW_PART_PREFERENCES,
      CustomerViewPart.CUSTOMER_VIEW_PART_RELATIONSHIPS,
    ],
  });
  const shape = GetCustomerViewResponse.toJSON(answer);
  print(flags.json === true, shape, function* () {
    const { view: one } = answer;
    yield `${one?.party?.party?.displayName ?? party}  ${one?.party?.party?.organisationPath ?? ''}`;
    yield* table(
      ['part', 'entries'],
      [
        ['holdings', one?.holdings?.holdings.length ?? 0],
        ['timeline', one?.timeline?.entries.length ?? 0],
        ['consents', one?.consents?.consents.length ?? 0],
      ],
    );
    yield 'Add --json for everything.';
  });
}

/** The name of a party: a resource name, a bare id, or a key of the bank's source system. Throws an OperatorError. */
export async function partyName(
  suite: Suite,
  clients: Clients,
  party: string,
  named: string | undefined,
): Promise<string> {
  if (/^parties\/[0-9a-f-]{36}$/.test(party)) return party;
  if (/^[0-9a-f-]{36}$/.test(party)) return `parties/${party}`;
  const bank = await currentBank(suite, clients, named);
  const found = await clients.customer.listParties({
    pageSize: 1,
    pageToken: '',
    organisationPath: `/${bank}`,
    relationshipManager: '',
    kind: 0,
    region: '',
    source: bank,
    sourceKey: party,
  });
  const name = found.parties[0]?.name;
  if (!name) throw new OperatorError(`bank ${bank} has no party ${party}`);
  return name;
}
