import { Scheme, SchemeKind, SchemeModel, type SchemeVersion, SegmentState } from '@rapport/proto/segmentation/v1';
import { isoDate } from '../bank/bank.js';
import type { Clients } from '../clients.js';
import { currentBank } from '../memory.js';
import { print, table } from '../output.js';
import { OperatorError, type Suite } from '../suite.js';

/** `schemes/{id}` of a name or an id; with its version, where it has one. */
export const schemeName = (text: string): string => (text.startsWith('schemes/') ? text : `schemes/${text}`);

const kindWords: Readonly<Record<string, SchemeKind>> = {
  partition: SchemeKind.SCHEME_KIND_PARTITION,
  tiers: SchemeKind.SCHEME_KIND_TIERS,
  rfm: SchemeKind.SCHEME_KIND_RFM,
  clusters: SchemeKind.SCHEME_KIND_CLUSTERS,
  lookalike: SchemeKind.SCHEME_KIND_LOOKALIKE,
};
const kindWord = (kind: SchemeKind): string => Object.entries(kindWords).find(([, one]) => one === kind)?.[0] ?? '';

export const stateWord = (state: SegmentState): string =>
  (SegmentState[state] ?? '').replace('SEGMENT_STATE_', '').toLowerCase();

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const number = (value: number): string => String(Math.round(value * 100) / 100);

/** `rapport scheme list`. */
export async function listSchemes(
  suite: Suite,
  clients: Clients,
  flags: { kind?: string; bank?: string; json?: boolean },
): Promise<void> {
  const kind = flags.kind === undefined ? SchemeKind.SCHEME_KIND_UNSPECIFIED : kindWords[flags.kind];
  if (kind === undefined) throw new OperatorError(`a kind is one of ${Object.keys(kindWords).join(', ')}`);
  const bank = await currentBank(suite, clients, flags.bank);
  const schemes: Scheme[] = [];
  for (let pageToken = ''; ; ) {
    const page = await clients.schemes.listSchemes({ pageSize: 1000, pageToken, organisationPath: `/${bank}`, kind });
    schemes.push(...page.schemes);
    pageToken = page.nextPageToken;
    if (pageToken === '') break;
  }
  print(
    flags.json === true,
    schemes.map((one) => Scheme.toJSON(one)),
    () =>
      schemes.length === 0
        ? [`${bank} has no such scheme. Make one: rapport scheme create <id> -f plan.yaml`]
        : table(
            ['scheme', 'title', 'kind', 'version', 'state', 'in use', 'groups'],
            schemes.map(({ name, title, kind: one, latestVersion, publishedVersion }) => [
              name,
              title,
              kindWord(one),
              latestVersion?.version ?? '',
              stateWord(latestVersion?.state ?? 0),
              publishedVersion || '',
              latestVersion?.groups.map(({ group }) => group?.groupId).join(', ') ?? '',
            ]),
          ),
  );
}

/** The groups of a version with the segments that they are. */
export function* groupLines(version: SchemeVersion): Generator<string> {
  const total = version.groups.reduce((sum, { members }) => sum + Number(members), 0);
  yield* table(
    ['group', 'title', 'members', 'share', 'segment', 'rule'],
    version.groups.map(({ group, members, segment, rule }) => [
      group?.groupId ?? '',
      [group?.title, group?.titleZh].filter(Boolean).join(' / '),
      String(members),
      total > 0 ? percent(Number(members) / total) : '',
      segment,
      rule,
    ]),
  );
}

async function schemeOf(clients: Clients, text: string): Promise<{ scheme: Scheme; version: SchemeVersion }> {
  const { scheme, version } = await clients.schemes.getScheme({ name: schemeName(text) });
  if (!scheme || !version) throw new Error('the answer has no scheme');
  return { scheme, version };
}

/** `rapport scheme show`. */
export async function showScheme(clients: Clients, text: string, flags: { json?: boolean }): Promise<void> {
  const { scheme, version } = await schemeOf(clients, text);
  const { latestVersion: _latest, ...about } = Scheme.toJSON(scheme) as Record<string, unknown>;
  const shown = (Scheme.toJSON({ ...scheme, latestVersion: version }) as { latestVersion: unknown }).latestVersion;
  print(flags.json === true, { ...about, version: shown }, function* () {
    yield `${scheme.title}  ${kindWord(scheme.kind)}  ${scheme.organisationPath}`;
    const day = version.assignedDate ? `, assigned as of ${isoDate(version.assignedDate)}` : '';
    yield `${version.name} is ${stateWord(version.state)}${day}; by ${version.createdBy}${version.approvedBy ? `, approved by ${version.approvedBy}` : ''}`;
    if (version.rejectReason !== '') yield `It was sent back: ${version.rejectReason}`;
    if (version.groups.length === 0) yield 'Its groups are known when it is fitted: rapport scheme run <version>';
    else yield* groupLines(version);
  });
}

function* modelLines(model: SchemeModel): Generator<string> {
  switch (model.kind?.$case) {
    case 'rfm': {
      const { recencyCuts, frequencyCuts, monetaryCuts, parties } = model.kind.value;
      yield `Fifths of ${parties} parties with a recency end at`;
      yield* table(
        ['measure', '1st', '2nd', '3rd', '4th'],
        [
          ['recency, days', ...recencyCuts.map(number)],
          ['frequency', ...frequencyCuts.map(number)],
          ['monetary', ...monetaryCuts.map(number)],
        ],
      );
      return;
    }
    case 'clusters': {
      const { features, clusters, silhouette, parties, kept, choices } = model.kind.value;
      yield `${clusters.length} clusters of ${parties} parties; silhouette ${silhouette.toFixed(3)}${kept > 0 ? `; ${percent(kept)} kept their cluster` : ''}`;
      for (const { groupId, share, profile, profileZh } of clusters) {
        yield `${groupId}  ${percent(share)}  ${profile}`;
        yield `    ${profileZh}`;
      }
      if (choices.length > 0) {
        yield* table(
          ['clusters', 'silhouette', 'mean squared distance'],
          choices.map((one) => [one.clusters, one.silhouette.toFixed(3), number(one.inertia)]),
        );
      }
      yield 'Means:';
      yield* table(
        ['number', ...clusters.map(({ groupId }) => groupId)],
        features.map(({ feature }, index) => [feature, ...clusters.map(({ means }) => number(means[index] ?? 0))]),
      );
      return;
    }
    case 'lookalike': {
      const { features, auc, lift, seedParties, otherParties, cuts } = model.kind.value;
      yield `${seedParties} parties of the seed, ${otherParties} others; on those held out AUC ${auc.toFixed(3)}, lift of the first tenth ${lift.toFixed(1)}`;
      yield* table(
        ['number', 'share of what tells them apart'],
        features.map(({ feature, importance }) => [feature, percent(importance)]),
      );
      yield 'To expect of taking the most similar, by parties that were held out:';
      yield* table(
        ['share', 'score from', 'precision', 'recall'],
        cuts.map((one) => [percent(one.share), one.score.toFixed(3), percent(one.precision), percent(one.recall)]),
      );
      return;
    }
    default:
  }
}

/** `rapport scheme profile`: what was computed for a version, in words and numbers, with the sizes of its groups. */
export async function profileScheme(clients: Clients, text: string, flags: { json?: boolean }): Promise<void> {
  const { version } = await schemeOf(clients, text);
  const { model, groups } = version;
  const sizes = groups.map(({ group, members }) => ({ group: group?.groupId ?? '', members: Number(members) }));
  const shape = { name: version.name, groups: sizes, model: model ? SchemeModel.toJSON(model) : undefined };
  print(flags.json === true, shape, function* () {
    if (model) yield* modelLines(model);
    if (groups.length > 0) yield* groupLines(version);
    else if (!model)
      yield `${version.name} is not fitted yet: rapport scheme run ${version.name.slice('schemes/'.length)}`;
  });
}
