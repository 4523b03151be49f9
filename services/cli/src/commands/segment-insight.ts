import {
  CompareSegmentVersionsResponse,
  ExplainMembershipResponse,
  GetSegmentFlowsResponse,
  MembershipReason,
  type PartyValue,
  PreviewChangesResponse,
  RuleChangeKind,
  RulePartKind,
  SegmentDay,
  Step,
} from '@rapport/proto/segmentation/v1';
import { isoDate, type PlainDate } from '../bank/bank.js';
import type { Clients } from '../clients.js';
import { currentBank } from '../memory.js';
import { print, table } from '../output.js';
import type { Suite } from '../suite.js';
import { asEmployee, PATIENT, segmentName, versionName } from './segment-lifecycle.js';
import { readDay } from './segment-preview.js';
import { partyName } from './view.js';

const dayText = (date: PlainDate | undefined): string => (date ? isoDate(date) : '');
const optionalDay = (text: string | undefined): PlainDate | undefined =>
  text === undefined ? undefined : readDay(text);
const sizeOf = (sample: string | undefined): number => (sample === undefined ? 10 : Number(sample));

/** `rapport segment changes`. */
export async function changesCommand(
  suite: Suite,
  clients: Clients,
  flags: { rule: string; from: string; to: string; weeks?: boolean; bank?: string; sample?: string; json?: boolean },
): Promise<void> {
  const bank = await currentBank(suite, clients, flags.bank);
  const answer = await clients.segmentation.previewChanges(
    {
      rule: flags.rule,
      from: readDay(flags.from),
      to: readDay(flags.to),
      step: flags.weeks ? Step.STEP_WEEK : Step.STEP_DAY,
      organisationPath: `/${bank}`,
      sampleSize: sizeOf(flags.sample),
    },
    PATIENT,
  );
  print(flags.json === true, PreviewChangesResponse.toJSON(answer), function* () {
    yield* table(
      ['day', 'members', 'came', 'left'],
      answer.steps.map(({ day, count, entered, exited }) => [
        dayText(day),
        String(count),
        String(entered),
        String(exited),
      ]),
    );
    for (const party of answer.enteredSample) yield `  came: ${party}`;
    for (const party of answer.exitedSample) yield `  left: ${party}`;
  });
}

const valueText = ({ description, value, missing, masked, sources }: PartyValue): string =>
  [
    `${description}: ${masked ? 'not for you' : missing ? 'missing' : value}`,
    ...sources.map((source) => `${source.description} ${source.value}`),
  ].join('; ');

/** `rapport segment explain`. */
export async function explainCommand(
  suite: Suite,
  clients: Clients,
  party: string,
  segment: string,
  flags: { asOf?: string; bank?: string; as?: string; json?: boolean },
): Promise<void> {
  const answer = await clients.segmentation.explainMembership(
    {
      party: await partyName(suite, clients, party, flags.bank),
      segment: segmentName(segment),
      asOf: optionalDay(flags.asOf),
    },
    await asEmployee(clients, flags.as),
  );
  print(flags.json === true, ExplainMembershipResponse.toJSON(answer), function* () {
    yield `${answer.party} and ${answer.segmentVersion} on ${dayText(answer.asOf)}`;
    yield answer.summary;
    for (const part of answer.parts) {
      const words = {
        [RulePartKind.RULE_PART_KIND_ALL]: 'all of',
        [RulePartKind.RULE_PART_KIND_ANY]: 'one of',
        [RulePartKind.RULE_PART_KIND_NOT]: 'not',
      }[part.kind as 1 | 2 | 3];
      const values = part.values.map(valueText).join(', ');
      yield `${'  '.repeat(part.depth + 1)}${part.holds ? 'yes' : 'no '} ${part.decides ? '*' : ' '} ${words ?? part.description}${values ? `  (${values})` : ''}${part.segmentVersion ? `  [${part.segmentVersion}]` : ''}`;
    }
    if (answer.parts.length > 0) yield '* decides';
    if (answer.member !== answer.belongs) {
      yield answer.member
        ? 'It still is a member now: the day is another one, or what happened waits to be looked at.'
        : 'It is no member now: the version is not in use, the day is another one, or what happened waits.';
    }
  });
}

/** `rapport segment compare`. */
export async function compareCommand(
  clients: Clients,
  base: string,
  version: string,
  flags: { asOf?: string; sample?: string; json?: boolean },
): Promise<void> {
  const answer = await clients.segmentation.compareSegmentVersions(
    {
      base: versionName(base),
      name: versionName(version),
      asOf: optionalDay(flags.asOf),
      sampleSize: sizeOf(flags.sample),
    },
    PATIENT,
  );
  print(flags.json === true, CompareSegmentVersionsResponse.toJSON(answer), function* () {
    for (const { kind, before, after } of answer.changes) {
      if (kind === RuleChangeKind.RULE_CHANGE_KIND_KEPT) yield `    ${after}`;
      else if (kind === RuleChangeKind.RULE_CHANGE_KIND_ADDED) yield `  + ${after}`;
      else if (kind === RuleChangeKind.RULE_CHANGE_KIND_REMOVED) yield `  - ${before}`;
      else yield `  ~ ${before}  ->  ${after}`;
    }
    yield `${answer.baseCount} parties before, ${answer.count} after: ${answer.entering} come, ${answer.leaving} leave.`;
    for (const party of answer.enteringSample) yield `  comes: ${party}`;
    for (const party of answer.leavingSample) yield `  leaves: ${party}`;
  });
}

/** `rapport segment history`. */
export async function historyCommand(
  clients: Clients,
  segment: string,
  flags: { from?: string; to?: string; json?: boolean },
): Promise<void> {
  const days: SegmentDay[] = [];
  for (let pageToken = ''; ; ) {
    const page = await clients.segmentation.getSegmentHistory({
      name: segmentName(segment),
      from: optionalDay(flags.from),
      to: optionalDay(flags.to),
      pageSize: 1000,
      pageToken,
    });
    days.push(...page.days);
    pageToken = page.nextPageToken;
    if (pageToken === '') break;
  }
  print(
    flags.json === true,
    days.map((one) => SegmentDay.toJSON(one)),
    () =>
      days.length === 0
        ? ['Nothing happened in that time.']
        : table(
            ['day', 'version', 'members', 'came', 'left', 'why'],
            days.map(({ day, version, members, entered, exited, reasons }) => [
              dayText(day),
              version,
              String(members),
              String(entered),
              String(exited),
              reasons
                .map(({ reason }) => (MembershipReason[reason] ?? '').replace('MEMBERSHIP_REASON_', '').toLowerCase())
                .join(', '),
            ]),
          ),
  );
}

/** `rapport segment flows`. */
export async function flowsCommand(
  clients: Clients,
  segments: readonly string[],
  flags: { from: string; to?: string; json?: boolean },
): Promise<void> {
  const answer = await clients.segmentation.getSegmentFlows(
    { segments: segments.map(segmentName), from: readDay(flags.from), to: optionalDay(flags.to) },
    PATIENT,
  );
  print(flags.json === true, GetSegmentFlowsResponse.toJSON(answer), () =>
    answer.flows.length === 0
      ? ['Nobody was in any of them on either day.']
      : table(
          ['from', 'to', 'parties'],
          answer.flows.map(({ source, target, parties }) => [source || 'none', target || 'none', String(parties)]),
        ),
  );
}
