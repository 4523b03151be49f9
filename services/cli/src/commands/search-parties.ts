import type { Clients } from '../clients.js';
import { print, table } from '../output.js';

/** `rapport party search <text>`: parties by name, e-mail or phone. */
export async function searchParties(clients: Clients, text: string, flags: { json?: boolean }): Promise<void> {
  const way = text.includes('@')
    ? { $case: 'email' as const, value: text }
    : /^\+?[\d ]{6,}$/.test(text)
      ? { $case: 'phone' as const, value: text.replaceAll(' ', '') }
      : { $case: 'name' as const, value: text };
  const answer = await clients.customer.searchParties({
    query: way,
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
