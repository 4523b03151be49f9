import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { type Import, ImportKind, type ImportRow } from '@rapport/proto/customer/v1';
import type { PartyRow } from '../bank/bank.js';
import { editionOf } from '../bank/edition.js';
import { pick } from '../bank/synthesis.js';
import { awaitDeliveries, awaitFollowed, byReason, launchCampaign } from './campaign.js';
import { inventComplaints, readComplaints } from './complaints.js';
import type { Story } from './context.js';
import { settle } from './flows.js';
import { findFollowed, type SaverRule } from './follow.js';
import {
  consentRow,
  holdingRow,
  importRows,
  partyRow,
  rejected,
  taken,
  transactionRow,
  unreadable,
} from './import-rows.js';
import { countMails } from './mailbox.js';
import { setUpOrganisation } from './organisation.js';
import { makeReferrals } from './referrals.js';
import { writeRejects } from './rejects.js';
import { writeReport } from './report.js';
import { scoreStaff } from './scores.js';
import { currentVersion, plannedSegments, publishSegment } from './segments.js';
import { workCases } from './service-cases.js';

export interface StoryOptions {
  /** Folder of the data, for a bank that was read from files. */
  readonly folder?: string;
  /** File of complaints; absent for invented ones. */
  readonly complaints?: string;
  readonly caseLimit: number;
  readonly savers: SaverRule;
  /** Where the report goes. */
  readonly out: string;
  /** Base address of the local mailbox; absent where there is none. */
  readonly mailbox?: string;
}

/** What the story did, as `--json` prints it. */
export interface StoryResult {
  readonly parties: number;
  readonly holdings: Readonly<Record<'account' | 'loan' | 'card' | 'standing_order', number>>;
  readonly transactions: number;
  readonly rejected: number;
  readonly facts: Readonly<Record<string, number>>;
  readonly segments: readonly { readonly name: string; readonly rule: string; readonly members: number }[];
  readonly campaign: {
    readonly name: string;
    readonly audience: number;
    readonly sent: number;
    readonly held: Readonly<Record<string, number>>;
    readonly suppressed: Readonly<Record<string, number>>;
  };
  readonly mailbox: number | null;
  readonly cases: { readonly opened: number; readonly closed: number };
  readonly referrals: number;
  readonly scores: number;
  readonly report: readonly string[];
  readonly trace_id: string;
  readonly elapsed_s: number;
}

const REFERRALS = 60;
const HOLDING_FILES = [
  ['account', 'account'],
  ['loan', 'loan'],
  ['card', 'card'],
  ['standing_order', 'order'],
] as const;

/**
 * Tells the whole story of a bank: import, segments, campaign, cases, referrals, scores, report. Every step carries a
 * request id or a natural key, so that telling it again, or after a kill in the middle, changes nothing that is done.
 */
export async function tellStory(story: Story, options: StoryOptions): Promise<StoryResult> {
  const started = Date.now();
  const { bank, clients, progress } = story;
  const edition = await editionOf(options.folder);
  const unreadTables = bank.rejects.length;
  const imports: Import[] = [];
  await setUpOrganisation(story);

  const people: PartyRow[] = [];
  for await (const row of bank.parties()) people.push(row);
  const followed = await findFollowed(bank, options.savers);
  // Each reading of a file adds what cannot be read; it counts once, when the file is imported.
  bank.rejects.length = unreadTables;

  const parties = await bring('parties', 'client', ImportKind.IMPORT_KIND_PARTY, bank.parties, partyRow);
  const holdings = { account: 0, loan: 0, card: 0, standing_order: 0 };
  for (const [kind, file] of HOLDING_FILES) {
    const done = await bring(`holdings (${kind})`, file, ImportKind.IMPORT_KIND_HOLDING, bank.holdings, (row) =>
      row.kind === kind ? holdingRow(row) : undefined,
    );
    holdings[kind] = taken(done, ImportKind.IMPORT_KIND_HOLDING);
  }
  await bring('consents', 'consent', ImportKind.IMPORT_KIND_CONSENT, bank.parties, consentRow);
  const transactions = await bring(
    'transactions',
    'trans',
    ImportKind.IMPORT_KIND_TRANSACTION,
    bank.transactions,
    (row) => (row.sourceKey === followed.sourceKey ? undefined : transactionRow(row)),
  );
  await settle(story, 'Events');

  const planned = plannedSegments(story, options.savers);
  const step = progress.step('Segments', planned.length);
  for (const one of planned) {
    await publishSegment(story, one);
    step.advance();
  }
  step.done(`${planned.length} published`);
  const savers = await currentVersion(story, planned[0]);

  const campaign = await launchCampaign(story, savers.name);
  await awaitDeliveries(story, campaign, 1n);

  const names = await namesOf(story);
  const owner = await ownerOf(story, followed.holdingKey);
  const party = names.get(owner) ?? '';
  const trace = randomBytes(16).toString('hex');
  const last = await importRows(story, {
    words: ['followed', edition],
    file: followed.file,
    kind: ImportKind.IMPORT_KIND_TRANSACTION,
    rows: async function* () {
      yield transactionRow(followed);
    },
    traceparent: `00-${trace}-${randomBytes(8).toString('hex')}-01`,
  });
  await settle(story, 'Followed transaction');
  const traceId = await awaitFollowed(story, campaign, party);
  const summary = await awaitDeliveries(story, campaign, 1n);

  imports.push(last);

  const unreadRows = bank.rejects.length;
  const complaints = options.complaints
    ? readComplaints(options.complaints, bank.rejects)
    : inventComplaints(bank, options.caseLimit);
  const cases = await workCases(story, complaints, options.caseLimit, (key) => {
    const row = people[pick(`${bank.id}/case/${key}/party`, people.length)] as PartyRow;
    const staff = bank.staff.filter((person) => person.unit === row.branch);
    return {
      party: names.get(row.sourceKey) ?? '',
      organisationPath: row.organisationPath,
      branch: `organisationUnits/${row.branch}`,
      agent: (staff.find((person) => person.roles.includes('call_centre_agent')) ?? staff[0])?.id ?? '',
    };
  });

  const referrals = await makeReferrals(
    story,
    people.slice(0, REFERRALS).map((row) => ({
      key: row.sourceKey,
      party: names.get(row.sourceKey) ?? '',
      manager: row.relationshipManager,
    })),
  );
  await settle(story, 'Events');
  const scores = await scoreStaff(story);
  await settle(story, 'Events');
  const report = await writeReport(story, options.out);
  const list = await writeRejects(clients, imports, bank.rejects, path.join(options.out, `${bank.id}-rejects.csv`));
  const facts = await clients.reporting.getFactCounts({ organisationPath: `/${bank.id}` });
  const segments = [];
  for (const one of planned) {
    const version = await currentVersion(story, one);
    segments.push({ name: one.id, rule: one.rule, members: Number(version.members) });
  }
  return {
    parties: taken(parties, ImportKind.IMPORT_KIND_PARTY),
    holdings,
    transactions:
      taken(transactions, ImportKind.IMPORT_KIND_TRANSACTION) + taken(last, ImportKind.IMPORT_KIND_TRANSACTION),
    rejected:
      unreadTables + imports.reduce((total, done) => total + rejected(done), 0) + (bank.rejects.length - unreadRows),
    facts: Object.fromEntries(facts.counts.map(({ fact, count }) => [fact, Number(count)])),
    segments,
    campaign: {
      name: campaign,
      audience: Number(summary.audience),
      sent: Number(summary.sent),
      held: byReason(summary.held),
      suppressed: byReason([...summary.suppressed, ...summary.failed]),
    },
    mailbox: options.mailbox ? await countMails(options.mailbox, campaign) : null,
    cases: { opened: cases.opened, closed: cases.closed },
    referrals,
    scores: scores.staff,
    report: list ? [...report, list] : report,
    trace_id: traceId,
    elapsed_s: Math.round((Date.now() - started) / 100) / 10,
  };

  /** Imports all rows of one kind with a bar; what the adapter could not read goes along as unreadable rows. */
  async function bring<Row>(
    title: string,
    file: string,
    kind: ImportKind,
    rows: () => AsyncIterable<Row>,
    toRow: (row: Row) => ImportRow | undefined,
  ) {
    const bar = progress.step(`Import of ${title}`);
    const known = bank.rejects.length;
    const done = await importRows(story, {
      words: [title, edition],
      file: options.folder ? `${file}.asc` : file,
      kind,
      rows: async function* () {
        bank.rejects.length = known;
        for await (const row of rows()) {
          const mapped = toRow(row);
          if (!mapped) continue;
          bar.advance();
          yield mapped;
        }
        const own = bank.rejects.slice(known).filter((reject) => reject.file === `${file}.asc`);
        yield* unreadable(own, kind);
      },
    });
    const own = bank.rejects.slice(known).filter((reject) => reject.file === `${file}.asc`);
    bank.rejects.splice(known, Number.POSITIVE_INFINITY, ...own);
    imports.push(done);
    bar.done(`${taken(done, kind)} in the bank, ${rejected(done)} rejected`);
    return done;
  }
}

/** Source key → resource name of all parties of the bank. */
async function namesOf(story: Story): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  let pageToken = '';
  do {
    const page = await story.clients.customer.listParties({
      pageSize: 1000,
      pageToken,
      organisationPath: `/${story.bank.id}`,
      relationshipManager: '',
      kind: 0,
      region: '',
      source: story.bank.id,
      sourceKey: '',
    });
    for (const party of page.parties) names.set(party.sourceKey, party.name);
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return names;
}

async function ownerOf(story: Story, holdingKey: string): Promise<string> {
  for await (const holding of story.bank.holdings()) {
    const owner = holding.owners.find((one) => one.role === 'owner');
    if (holding.sourceKey === holdingKey && owner) return owner.partyKey;
  }
  throw new Error(`no party owns ${holdingKey}`);
}
