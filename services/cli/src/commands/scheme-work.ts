import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { OutgoingOptions } from '@rapport/kit/rpc';
import {
  CheckSchemeResponse,
  type PreviewSchemeRequest,
  PreviewSchemeResponse,
  SchemeRun,
  SchemeRunKind,
  SchemeRunState,
  SchemeVersion,
  SegmentState,
} from '@rapport/proto/segmentation/v1';
import { isoDate } from '../bank/bank.js';
import type { Clients } from '../clients.js';
import { currentBank } from '../memory.js';
import { print, table } from '../output.js';
import { openProgress } from '../progress.js';
import { OperatorError, type Suite } from '../suite.js';
import { planFile } from './scheme-plan.js';
import { groupLines, schemeName, stateWord } from './scheme-show.js';
import { asEmployee, PATIENT } from './segment-lifecycle.js';
import { readDay } from './segment-preview.js';

const POLL_MS = 300;

interface StepFlags {
  readonly as?: string;
  readonly json?: boolean;
}

/** `schemes/{id}@{version}`. Throws an OperatorError when there is no version in it. */
function versionName(text: string): string {
  if (!/@\d+$/.test(text)) throw new OperatorError(`"${text}" names no version; write ${text}@1`);
  return schemeName(text);
}

function printVersion(flags: StepFlags, version: SchemeVersion | undefined, done: string): void {
  if (!version) throw new Error('the answer has no version');
  print(flags.json === true, SchemeVersion.toJSON(version), function* () {
    yield `${version.name} ${done}; it is ${stateWord(version.state)}.`;
    yield* groupLines(version);
  });
}

/** `rapport scheme check`: whether a plan is sound, and how many parties each group would have. */
export async function checkScheme(
  suite: Suite,
  clients: Clients,
  flags: { file: string; path?: string; asOf?: string; bank?: string; json?: boolean },
): Promise<void> {
  const answer = await clients.schemes.checkScheme(
    {
      plan: planFile(flags.file),
      organisationPath: flags.path ?? `/${await currentBank(suite, clients, flags.bank)}`,
      asOf: flags.asOf === undefined ? undefined : readDay(flags.asOf),
    },
    PATIENT,
  );
  print(flags.json === true, CheckSchemeResponse.toJSON(answer), function* () {
    for (const { field, message, exampleParty, example } of answer.problems) {
      yield `${field}: ${message}`;
      if (exampleParty !== '') yield `  for example ${exampleParty}`;
      if (example !== '') yield `  for example ${example}`;
    }
    if (answer.problems.length === 0) yield answer.proved ? 'Sound: everybody is in exactly one group.' : 'Sound.';
    yield* table(
      ['group', 'parties'],
      answer.counts.map(({ groupId, parties }) => [groupId, String(parties)]),
    );
  });
  if (answer.problems.length > 0) process.exitCode = 1;
}

/** `rapport scheme create`. */
export async function createScheme(
  suite: Suite,
  clients: Clients,
  schemeId: string,
  flags: StepFlags & { file: string; title?: string; path?: string; bank?: string },
): Promise<void> {
  const { scheme } = await clients.schemes.createScheme(
    {
      schemeId,
      title: flags.title ?? schemeId,
      organisationPath: flags.path ?? `/${await currentBank(suite, clients, flags.bank)}`,
      plan: planFile(flags.file),
      requestId: randomUUID(),
    },
    { ...PATIENT, ...(await asEmployee(clients, flags.as)) },
  );
  printVersion(flags, scheme?.latestVersion, 'was made');
}

/** `rapport scheme version`. */
export async function versionScheme(
  clients: Clients,
  scheme: string,
  flags: StepFlags & { file: string },
): Promise<void> {
  const { version } = await clients.schemes.createSchemeVersion(
    { parent: schemeName(scheme), plan: planFile(flags.file), requestId: randomUUID() },
    { ...PATIENT, ...(await asEmployee(clients, flags.as)) },
  );
  printVersion(flags, version, 'was made');
}

const kindWords: Readonly<Record<number, string>> = {
  [SchemeRunKind.SCHEME_RUN_KIND_FIT]: 'fit',
  [SchemeRunKind.SCHEME_RUN_KIND_PUBLISH]: 'publish',
  [SchemeRunKind.SCHEME_RUN_KIND_ASSIGN]: 'assign',
  [SchemeRunKind.SCHEME_RUN_KIND_BACKFILL]: 'fill in',
};
const runState = (state: SchemeRunState): string =>
  (SchemeRunState[state] ?? '').replace('SCHEME_RUN_STATE_', '').toLowerCase();

/** Shows a run until its end. Whoever stops looking does not stop the run. Throws an OperatorError when it failed. */
async function follow(
  clients: Clients,
  begun: SchemeRun | undefined,
  options: OutgoingOptions,
  flags: StepFlags,
): Promise<SchemeRun> {
  if (!begun) throw new Error('the answer has no run');
  const step = openProgress(flags.json === true).step(`${kindWords[begun.kind] ?? 'run'} ${begun.schemeVersion}`);
  let run = begun;
  for (let shown = 0; run.state < SchemeRunState.SCHEME_RUN_STATE_SUCCEEDED; ) {
    await sleep(POLL_MS);
    run = (await clients.schemes.getSchemeRun({ name: begun.name }, options)).schemeRun ?? run;
    step.advance(run.stepsDone - shown);
    shown = run.stepsDone;
    step.say(run.step.toLowerCase());
  }
  step.done(runState(run.state));
  if (run.state === SchemeRunState.SCHEME_RUN_STATE_FAILED) {
    throw new OperatorError(`${run.name} failed: ${run.message} (${run.reason})`);
  }
  return run;
}

async function printRun(clients: Clients, run: SchemeRun, flags: StepFlags): Promise<void> {
  const { version } = await clients.schemes.getScheme({ name: run.schemeVersion });
  print(flags.json === true, SchemeRun.toJSON(run), function* () {
    yield `${run.schemeVersion}: ${kindWords[run.kind] ?? 'run'} as of ${run.asOf ? isoDate(run.asOf) : ''} ${runState(run.state)}; ${run.changed} parties changed group.`;
    if (version) yield* groupLines(version);
  });
}

/** `rapport scheme run --dry-run`: what a run would find, without a trace of it. */
async function dryRun(
  clients: Clients,
  request: PreviewSchemeRequest,
  options: OutgoingOptions,
  flags: StepFlags,
): Promise<void> {
  const answer = await clients.schemes.previewScheme(request, { ...PATIENT, ...options });
  print(flags.json === true, PreviewSchemeResponse.toJSON(answer), function* () {
    yield `${request.name} as of ${answer.asOf ? isoDate(answer.asOf) : ''}; nothing was changed.`;
    yield* table(
      ['group', 'parties', 'in force'],
      answer.groups.map(({ group, parties, before }) => [group?.groupId ?? '', String(parties), String(before)]),
    );
    for (const { fromGroup, toGroup, parties } of answer.moves) {
      yield `${parties} from ${fromGroup || 'none'} to ${toGroup || 'none'}`;
    }
    if (answer.moves.length === 0) yield 'Nobody would move.';
    for (const { party, fromGroup, toGroup } of answer.sample) {
      yield `  ${party}  ${fromGroup || 'none'} → ${toGroup || 'none'}`;
    }
  });
}

/**
 * `rapport scheme run`: fits the model of a draft, assigns the parties of a version in use, or fills in the history of a day
 * before its first use.
 */
export async function runScheme(
  clients: Clients,
  text: string,
  flags: StepFlags & { asOf?: string; dryRun?: boolean; sample?: string },
): Promise<void> {
  const name = versionName(text);
  const options = await asEmployee(clients, flags.as);
  const asOf = flags.asOf === undefined ? undefined : readDay(flags.asOf);
  if (flags.dryRun) return dryRun(clients, { name, asOf, sampleSize: Number(flags.sample ?? 10) }, options, flags);
  const { version } = await clients.schemes.getScheme({ name }, options);
  const request = { name, requestId: randomUUID() };
  const draft = version?.state === SegmentState.SEGMENT_STATE_DRAFT;
  const { schemeRun } = draft
    ? await clients.schemes.fitScheme(request, options)
    : await clients.schemes.assignScheme({ ...request, asOf }, options);
  await printRun(clients, await follow(clients, schemeRun, options, flags), flags);
}

/** `rapport scheme approve`. */
export async function approveScheme(clients: Clients, text: string, flags: StepFlags): Promise<void> {
  const request = { name: versionName(text), requestId: randomUUID() };
  const { version } = await clients.schemes.approveScheme(request, await asEmployee(clients, flags.as));
  printVersion(flags, version, `was approved by ${version?.approvedBy ?? ''}`);
}

/** `rapport scheme reject`. */
export async function rejectScheme(
  clients: Clients,
  text: string,
  flags: StepFlags & { reason: string },
): Promise<void> {
  const request = { name: versionName(text), reason: flags.reason, requestId: randomUUID() };
  const { version } = await clients.schemes.rejectScheme(request, await asEmployee(clients, flags.as));
  printVersion(flags, version, 'was sent back');
}

/** `rapport scheme publish`. */
export async function publishScheme(clients: Clients, text: string, flags: StepFlags): Promise<void> {
  const options = await asEmployee(clients, flags.as);
  const request = { name: versionName(text), requestId: randomUUID() };
  const { schemeRun } = await clients.schemes.publishScheme(request, options);
  await printRun(clients, await follow(clients, schemeRun, options, flags), flags);
}

/** `rapport scheme retire`. */
export async function retireScheme(clients: Clients, text: string, flags: StepFlags): Promise<void> {
  const request = { name: versionName(text), requestId: randomUUID() };
  const options = { ...PATIENT, ...(await asEmployee(clients, flags.as)) };
  const { version } = await clients.schemes.retireScheme(request, options);
  printVersion(flags, version, 'was retired');
}

/** `rapport scheme runs`. */
export async function listRuns(clients: Clients, scheme: string, flags: { json?: boolean }): Promise<void> {
  const parent = schemeName(scheme).replace(/@\d+$/, '');
  const { schemeRuns } = await clients.schemes.listSchemeRuns({ parent, pageSize: 50, pageToken: '' });
  print(
    flags.json === true,
    schemeRuns.map((one) => SchemeRun.toJSON(one)),
    () =>
      schemeRuns.length === 0
        ? ['Nothing was started yet.']
        : table(
            ['run', 'version', 'work', 'as of', 'state', 'changed', 'by', 'why'],
            schemeRuns.map((one) => [
              one.name,
              one.schemeVersion,
              kindWords[one.kind] ?? '',
              one.asOf ? isoDate(one.asOf) : '',
              runState(one.state),
              String(one.changed),
              one.createdBy,
              one.message,
            ]),
          ),
  );
}
