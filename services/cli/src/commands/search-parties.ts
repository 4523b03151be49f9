import type { Clients } from '../clients.js';
import { print, table } from '../output.js';

/** `rapport party search <text>`: parties by name, phone, e-mail, identifier, account or source key. */
export async function searchParties(clients: Clients, text: string, flags: { json?: boolean }): Promise<void> {
  const answer = await clients.customer.searchParties({
    query: { $case: 'text', value: text },
    organisationPath: '',
    pageSize: 20,
    pageToken: '',
  });
  const found = answer.parties.map((party) => ({
    name: party.name,
    display_name: party.displayName,
    organisation_path: party.organisationPath,
  }));
  print(flags.json === true, found, () =>
    found.length === 0
      ? ['Nobody found.']
      : table(
          ['party', 'name', 'organisation'],
          found.map((one) => [one.name, one.display_name, one.organisation_path]),
        ),
  );
}
