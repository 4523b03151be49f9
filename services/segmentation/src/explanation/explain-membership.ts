import { covers, type Scope, scopeFilter, sql } from '@rapport/kit/db';
import { type Call, scopeFor } from '@rapport/kit/rpc';
import {
  type ExplainMembershipRequest,
  type ExplainMembershipResponse,
  ExplanationReason,
  type PartyValue,
  RulePartKind,
  SegmentState,
} from '@rapport/proto/segmentation/v1';
import { attributeType, findAttribute, type ValueType } from '../catalogue/catalogue.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { factFilter } from '../fact/fact.js';
import { anyMerged, goldenOf } from '../merge/merge.js';
import { compileLeaves, describeRule, featureWords, type Rule, ruleText, valueWords } from '../rule/rule.js';
import {
  dateMessage,
  dayOf,
  findVersions,
  parseName,
  reaches,
  requestedDay,
  soundRuleInUse,
  today,
  type VersionRow,
  versionName,
} from '../segment/segment.js';
import { decidingWords, partsOf, tell } from './explanation.js';

const {
  EXPLANATION_REASON_RULE_TAKES: takes,
  EXPLANATION_REASON_RULE_PASSES: passes,
  EXPLANATION_REASON_OUTSIDE_SEGMENT: outside,
  EXPLANATION_REASON_RESTRICTED: restricted,
} = ExplanationReason;

const kinds: Readonly<Partial<Record<Rule['kind'], RulePartKind>>> = {
  and: RulePartKind.RULE_PART_KIND_ALL,
  or: RulePartKind.RULE_PART_KIND_ANY,
  not: RulePartKind.RULE_PART_KIND_NOT,
};

interface PartyRow {
  path: string;
  manager: string;
  state: string;
}

/** Whether a scope reaches one party. */
function reachesParty(scope: Scope, { path, manager }: PartyRow): boolean {
  if (scope.kind !== 'rows') return scope.kind === 'everything';
  return (
    (scope.subtree !== undefined && covers(scope.subtree, path)) ||
    scope.branch === path ||
    (scope.own !== undefined && scope.own === manager)
  );
}

/**
 * The version that is meant: the one named, else the one in use, else the newest. Whoever sees a party sees why it is in
 * segments in use above it, as with its memberships; others only who reaches the segment. Throws SEGMENT_NOT_FOUND.
 */
async function versionMeant({ db }: Deps, scope: Scope, name: string, party: PartyRow): Promise<VersionRow> {
  const { segmentId, version } = parseName(name);
  const versions = await findVersions(db.system, { kind: 'everything' }, segmentId);
  const published = versions.find(({ state }) => state === SegmentState.SEGMENT_STATE_PUBLISHED);
  const meant = version === undefined ? (published ?? versions[0]) : versions.find((row) => row.version === version);
  const used = meant !== undefined && meant === published && covers(meant.organisation_path, party.path);
  if (!meant || !(used || reaches(scope, meant.organisation_path))) {
    throw fail('SEGMENT_NOT_FOUND', { metadata: { segment: name } });
  }
  return meant;
}

/** A value as it is shown: a day with its hyphens, yes and no as rules write them. */
function shown(type: ValueType, value: string): string {
  if (type === 'date') return valueWords('date', Number(value));
  if (type === 'bool') return value === '1' || value === 'true' ? 'true' : 'false';
  return value;
}

/**
 * Gives why a party is in a segment or not: the rule part by part with the party's own values. Values of a class that the
 * caller may not see of this party are masked; what they led to is shown. Throws PARTY_NOT_FOUND, SEGMENT_NOT_FOUND,
 * RULE_INVALID, DATE_INVALID.
 */
export async function explainMembership(
  deps: Deps,
  request: ExplainMembershipRequest,
  call: Call,
): Promise<ExplainMembershipResponse> {
  const { db, analytics, zone, reads } = deps;
  const asked = request.party.slice('parties/'.length);
  const id = (await goldenOf(db.system, [asked])).get(asked) ?? asked;
  const party = `parties/${id}`;
  const mine = factFilter(call.scope, '', { manager: true });
  const [row] = await analytics.query<PartyRow>(
    `SELECT organisation_path AS path, manager, state FROM party FINAL WHERE party = {party:UUID} AND ${mine.text}`,
    { ...mine.parameters, party: id },
    { signal: call.signal },
  );
  if (!row) throw fail('PARTY_NOT_FOUND', { metadata: { party: request.party } });
  const version = await versionMeant(deps, call.scope, request.segment, row);
  const { rule, segments } = await soundRuleInUse(db.system, version.rule, version.segment_id);
  const asOf = requestedDay(request.asOf) ?? dayOf(version.as_of) ?? today(deps);
  const merged = await anyMerged(db.system);
  const { told, leaves } = tell(
    { rule, text: version.rule, asOf },
    {
      segments,
      inside: ({ organisationPath }) => covers(organisationPath, row.path),
      // As with memberships: whoever sees the party sees why, in segments above it; others only who reaches the segment.
      mayOpen: ({ organisationPath }) => covers(organisationPath, row.path) || reaches(call.scope, organisationPath),
    },
  );
  const compiled = compileLeaves(leaves, zone, { restricted: true, merged, segments });
  const verdicts = compiled.leaves.map(({ verdict }) => `toUInt8(${verdict})`).join(', ');
  const features = compiled.leaves.flatMap((leaf) => leaf.features);
  const values = features.flatMap(({ sql: own, sources }) => [own, ...sources.map((source) => source.sql)]);
  const [facts] = await analytics.query<{ verdicts: number[]; found: (string | null)[] }>(
    `SELECT CAST([${verdicts}], 'Array(UInt8)') AS verdicts,
      CAST([${values.map((text) => `toString(${text})`).join(', ')}], 'Array(Nullable(String))') AS found
      FROM ${compiled.from}`,
    { ...compiled.parameters, parties: [id] },
    { signal: call.signal },
  );
  const member = await db.scoped(call.scope).maybe<{ enter_time: Date }>(sql`
    SELECT enter_time FROM membership
    WHERE party_id = ${id}::uuid AND segment_id = ${version.segment_id} AND version = ${version.version}
      AND ${scopeFilter(call.scope, { path: 'organisation_path', manager: 'manager' })}`);
  const segmentVersion = versionName(version.segment_id, version.version);
  await reads.record(call, [party, segmentVersion]);

  // Whoever is restricted is not even looked at.
  const held = facts?.verdicts.map((verdict) => verdict === 1);
  const parts = held ? partsOf(told, held) : [];
  const found = [...(facts?.found ?? [])];
  const valuesOf = compiled.leaves.map((leaf) =>
    leaf.features.map(({ feature, type, sources }): PartyValue => {
      const value = found.shift() ?? null;
      const behind = sources.map((source) => ({ ...source, value: found.shift() ?? null }));
      const masked = !reachesParty(scopeFor(call, findAttribute(feature.key)?.sensitivity ?? 'C3'), row);
      return {
        attribute: feature.key,
        description: featureWords(feature),
        value: value === null || masked ? '' : shown(type, value),
        missing: value === null && !masked,
        masked,
        sources: behind.flatMap((source) =>
          source.value === null || masked
            ? []
            : [
                {
                  description: source.title.en,
                  descriptionZh: source.title.zh,
                  type: attributeType(source.type),
                  value: shown(source.type, source.value),
                },
              ],
        ),
      };
    }),
  );
  const ruleTakes = parts[0]?.holds ?? false;
  const inside = covers(version.organisation_path, row.path);
  const reason = !facts ? restricted : !ruleTakes ? passes : inside ? takes : outside;
  const summary = {
    [restricted]: 'The party is in no segment, because its processing is restricted.',
    [outside]: `The rule takes the party, but the segment takes only parties under ${version.organisation_path}.`,
    [takes]: `The party belongs to the segment: ${decidingWords(parts)}.`,
    [passes]: `The party does not belong to the segment: ${decidingWords(parts)}.`,
  }[reason];
  return {
    party,
    segmentVersion,
    belongs: reason === takes,
    reason,
    parts: parts.map((part) => ({
      kind: kinds[part.rule.kind] ?? RulePartKind.RULE_PART_KIND_CONDITION,
      depth: part.depth,
      description: describeRule(part.rule),
      rule: ruleText(part.rule, part.text),
      holds: part.holds,
      decides: part.decides,
      values: part.leaf === undefined ? [] : (valuesOf[part.leaf] ?? []),
      segmentVersion: part.segmentVersion,
      asOf: part.asOf === asOf ? undefined : dateMessage(part.asOf),
    })),
    summary,
    member: member !== undefined,
    enterTime: member?.enter_time,
    asOf: dateMessage(asOf),
  };
}
