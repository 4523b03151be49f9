import { randomUUID } from 'node:crypto';
import type { OutgoingOptions } from '@rapport/kit/rpc';
import { Segment, SegmentState, SegmentVersion } from '@rapport/proto/segmentation/v1';
import type { Clients } from '../clients.js';
import { currentBank } from '../memory.js';
import { print, table } from '../output.js';
import { OperatorError, type Suite } from '../suite.js';
import { readDay } from './segment-preview.js';

/** Whole segments are evaluated within these calls. */
export const PATIENT = { timeoutMs: 600_000 };

/** `segments/{id}` of a name or an id; with its version, where it has one. */
export const segmentName = (text: string): string => (text.startsWith('segments/') ? text : `segments/${text}`);

/** The same of one version. Throws an OperatorError when there is none in it. */
export function versionName(text: string): string {
  if (!/@\d+$/.test(text)) throw new OperatorError(`"${text}" names no version; write ${text}@1`);
  return segmentName(text);
}

/** The options of a call in the name of an employee; the operator's own where none is named. */
export async function asEmployee(
  clients: Pick<Clients, 'performance' | 'as'>,
  id: string | undefined,
): Promise<OutgoingOptions> {
  if (id === undefined) return {};
  const { staff } = await clients.performance.getStaff({ name: id.startsWith('staff/') ? id : `staff/${id}` });
  if (!staff) throw new OperatorError(`there is no employee ${id}`);
  const { name, roles, organisationPath } = staff;
  return clients.as({ id: name.slice('staff/'.length), roles, organisationPath });
}

interface StepFlags {
  readonly as?: string;
  readonly json?: boolean;
}

const stateOf = (state: SegmentState): string =>
  (SegmentState[state] ?? '').replace('SEGMENT_STATE_', '').toLowerCase();

function printVersion(flags: StepFlags, version: SegmentVersion | undefined, done: string): void {
  if (!version) throw new Error('the answer has no version');
  print(flags.json === true, SegmentVersion.toJSON(version), () => [
    `${version.name} ${done}; it is ${stateOf(version.state)}${version.state === SegmentState.SEGMENT_STATE_PUBLISHED ? ` with ${version.members} members` : ''}.`,
  ]);
}

/** `rapport segment list`. */
export async function listSegments(
  suite: Suite,
  clients: Clients,
  flags: { bank?: string; state?: string; query?: string; inUse?: boolean; json?: boolean },
): Promise<void> {
  const bank = await currentBank(suite, clients, flags.bank);
  const states: Record<string, SegmentState> = {
    draft: SegmentState.SEGMENT_STATE_DRAFT,
    approved: SegmentState.SEGMENT_STATE_APPROVED,
    published: SegmentState.SEGMENT_STATE_PUBLISHED,
    retired: SegmentState.SEGMENT_STATE_RETIRED,
  };
  const state = flags.state === undefined ? 0 : states[flags.state];
  if (state === undefined) throw new OperatorError(`a state is one of ${Object.keys(states).join(', ')}`);
  const segments: Segment[] = [];
  for (let pageToken = ''; ; ) {
    const page = await clients.segmentation.listSegments({
      pageSize: 1000,
      pageToken,
      organisationPath: `/${bank}`,
      state,
      query: flags.query ?? '',
      inUse: flags.inUse ?? false,
    });
    segments.push(...page.segments);
    pageToken = page.nextPageToken;
    if (pageToken === '') break;
  }
  print(
    flags.json === true,
    segments.map((one) => Segment.toJSON(one)),
    () =>
      segments.length === 0
        ? [`${bank} has no such segment. Make one: rapport segment create <id> --rule …`]
        : table(
            ['segment', 'title', 'version', 'state', 'in use', 'members', 'rule'],
            segments.map(({ name, title, latestVersion: latest, publishedVersion }) => [
              name,
              title,
              latest?.version ?? '',
              stateOf(latest?.state ?? 0),
              publishedVersion || '',
              String(latest?.members ?? ''),
              latest?.description ?? '',
            ]),
          ),
  );
}

/** `rapport segment show`. */
export async function showSegment(clients: Clients, segment: string, flags: { json?: boolean }): Promise<void> {
  const name = segmentName(segment);
  const { segment: found } = await clients.segmentation.getSegment({ name });
  const { versions } = await clients.segmentation.listSegmentVersions({ parent: name, pageSize: 1000, pageToken: '' });
  const shape = {
    segment: found && Segment.toJSON(found),
    versions: versions.map((one) => SegmentVersion.toJSON(one)),
  };
  print(flags.json === true, shape, function* () {
    yield `${found?.title ?? ''}  ${found?.organisationPath ?? ''}`;
    yield* table(
      ['version', 'state', 'members', 'author', 'approved by', 'published by', 'retired by', 'rule'],
      versions.map((one) => [
        one.version,
        stateOf(one.state),
        String(one.members),
        one.createdBy,
        one.approvedBy,
        one.publishedBy,
        one.retiredBy,
        one.rule,
      ]),
    );
    for (const { version, rejectReason, rejectedBy } of versions) {
      if (rejectReason !== '') yield `Version ${version} was sent back by ${rejectedBy}: ${rejectReason}`;
    }
  });
}

/** `rapport segment create`. */
export async function createSegment(
  suite: Suite,
  clients: Clients,
  id: string,
  flags: StepFlags & { rule: string; title?: string; path?: string; asOf?: string; bank?: string },
): Promise<void> {
  const organisationPath = flags.path ?? `/${await currentBank(suite, clients, flags.bank)}`;
  const { segment } = await clients.segmentation.createSegment(
    {
      segmentId: id,
      title: flags.title ?? id,
      organisationPath,
      rule: flags.rule,
      asOf: flags.asOf === undefined ? undefined : readDay(flags.asOf),
      requestId: randomUUID(),
    },
    await asEmployee(clients, flags.as),
  );
  printVersion(flags, segment?.latestVersion, 'was made');
}

/** `rapport segment version`. */
export async function versionSegment(
  clients: Clients,
  segment: string,
  flags: StepFlags & { rule: string; asOf?: string },
): Promise<void> {
  const { version } = await clients.segmentation.createSegmentVersion(
    {
      parent: segmentName(segment),
      rule: flags.rule,
      asOf: flags.asOf === undefined ? undefined : readDay(flags.asOf),
      requestId: randomUUID(),
    },
    await asEmployee(clients, flags.as),
  );
  printVersion(flags, version, 'was made');
}

/** `rapport segment approve`. */
export async function approveSegment(clients: Clients, version: string, flags: StepFlags): Promise<void> {
  const request = { name: versionName(version), requestId: randomUUID() };
  const answer = await clients.segmentation.approveSegmentVersion(request, await asEmployee(clients, flags.as));
  printVersion(flags, answer.version, `was approved by ${answer.version?.approvedBy}`);
}

/** `rapport segment reject`. */
export async function rejectSegment(
  clients: Clients,
  version: string,
  flags: StepFlags & { reason: string },
): Promise<void> {
  const request = { name: versionName(version), reason: flags.reason, requestId: randomUUID() };
  const answer = await clients.segmentation.rejectSegmentVersion(request, await asEmployee(clients, flags.as));
  printVersion(flags, answer.version, 'was sent back');
}

/** `rapport segment publish`. */
export async function publishSegment(clients: Clients, version: string, flags: StepFlags): Promise<void> {
  const request = { name: versionName(version), requestId: randomUUID() };
  const options = { ...PATIENT, ...(await asEmployee(clients, flags.as)) };
  const answer = await clients.segmentation.publishSegment(request, options);
  printVersion(flags, answer.version, 'was published');
}

/** `rapport segment retire`. */
export async function retireSegment(clients: Clients, version: string, flags: StepFlags): Promise<void> {
  const request = { name: versionName(version), requestId: randomUUID() };
  const options = { ...PATIENT, ...(await asEmployee(clients, flags.as)) };
  const answer = await clients.segmentation.retireSegmentVersion(request, options);
  printVersion(flags, answer.version, 'was retired');
}
