import { existsSync } from 'node:fs';
import path from 'node:path';
import { generateBank } from '../bank/generated.js';
import { openBerka } from '../berka/berka.js';
import { type Clients, openClients } from '../clients.js';
import { rememberBank } from '../memory.js';
import { print } from '../output.js';
import { openProgress } from '../progress.js';
import { newStory } from '../story/context.js';
import { type StoryOptions, type StoryResult, tellStory } from '../story/story.js';
import { OperatorError, type Suite, serviceNames } from '../suite.js';

export interface StoryFlags {
  readonly parties?: string;
  readonly bank?: string;
  readonly complaints?: string;
  readonly cases?: string;
  readonly out?: string;
  readonly json?: boolean;
}

const CASES_OF_A_FILE = 1_000;
const CASES_OF_A_GENERATED_BANK = 40;

function whole(name: string, text: string | undefined, fallback: number, most: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > most) {
    throw new OperatorError(`--${name} must be a whole number from 1 to ${most}`);
  }
  return value;
}

/** A service that is away for a while is waited for in the middle of a story, but a suite that was never started is not. */
async function assertRunning(clients: Clients): Promise<void> {
  await Promise.all(
    serviceNames.map((name) =>
      clients.operations[name]
        .getEventLag({ name: `services/${name}` }, { timeoutMs: 15_000 })
        .catch((error: Error) => {
          throw new OperatorError(
            `${name} does not answer: ${error.message}\nStart the suite with ./scripts/up --detach.`,
          );
        }),
    ),
  );
}

/** `rapport story [folder]`: tells the story of a bank in files, or of a generated one. */
export async function storyCommand(suite: Suite, folder: string | undefined, flags: StoryFlags): Promise<void> {
  const parties = whole('parties', flags.parties, 300, 1_000_000);
  const id = flags.bank ?? (folder ? 'berka' : 'demo');
  if (!/^[a-z][a-z0-9-]{0,39}$/.test(id)) throw new OperatorError('--bank must be a short lower-case word');
  const bank = folder
    ? await openBerka(folder).catch((error: Error) => {
        throw new OperatorError(error.message);
      })
    : generateBank(id, parties);
  const complaints = folder
    ? (flags.complaints ?? path.join(folder, '..', 'complaints', 'cfpb-full.csv'))
    : flags.complaints;
  if (complaints && !existsSync(complaints)) {
    throw new OperatorError(`There is no complaints file ${complaints}; name one with --complaints.`);
  }
  const options: StoryOptions = {
    ...(folder && { folder }),
    ...(complaints && { complaints }),
    ...(suite.mailbox && { mailbox: suite.mailbox }),
    caseLimit: whole('cases', flags.cases, folder ? CASES_OF_A_FILE : CASES_OF_A_GENERATED_BANK, 1_000_000),
    savers: folder
      ? { creditMinor: 60_000_00n, balanceMinor: 30_000_00n }
      : { creditMinor: 6_000_00n, balanceMinor: 2_000_00n },
    out: flags.out ?? 'rapport-report',
  };
  const clients = openClients(suite, true);
  try {
    await assertRunning(clients);
    const progress = openProgress(false);
    progress.note(
      'Names, addresses, phones and e-mails are synthetic. Quiet hours are set twelve hours away from the first run.',
    );
    const result = await tellStory(newStory(bank, clients, progress), options);
    rememberBank(suite, bank.id);
    print(flags.json === true, result, () => summary(bank.title, result));
  } finally {
    clients.close();
  }
}

function* summary(title: string, result: StoryResult): Generator<string> {
  const reasons = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts)
      .map(([reason, count]) => `${reason} ${count}`)
      .join(', ') || 'none';
  const { holdings, campaign, cases } = result;
  yield '';
  yield title;
  yield `  parties       ${result.parties}`;
  yield `  holdings      ${holdings.account} accounts, ${holdings.loan} loans, ${holdings.card} cards, ${holdings.standing_order} standing orders`;
  yield `  transactions  ${result.transactions} (${result.facts.transactions ?? 0} facts), ${result.rejected} rows rejected`;
  for (const segment of result.segments) yield `  segment       ${segment.name}: ${segment.members} members`;
  yield `  campaign      audience ${campaign.audience}, sent ${campaign.sent}`;
  yield `                held: ${reasons(campaign.held)}; suppressed: ${reasons(campaign.suppressed)}`;
  yield `  mailbox       ${result.mailbox ?? 'no local mailbox'}`;
  yield `  cases         ${cases.opened} opened, ${cases.closed} closed`;
  yield `  referrals     ${result.referrals}`;
  yield `  scores        ${result.scores} staff`;
  yield `  report        ${result.report.join(', ')}`;
  yield `  trace         ${result.trace_id}`;
  yield `  took          ${result.elapsed_s} s`;
}
