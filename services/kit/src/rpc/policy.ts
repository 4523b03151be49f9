import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import type { Scope } from '../db/index.js';
import { scopeBy } from './access.js';
import { type DataClass, type Principal, type Relation, relations } from './call.js';
import { type DefinitionShape, methodName } from './route.js';

/*
 * A policy file looks like this. Actions are full RPC names; the facts are `principal.roles`, `context.purpose`,
 * `context.data_class` (C1, C2, C3) and `context.relation`. There are no others, so that a decision can be cached.
 *
 *   permit (
 *     principal,
 *     action in [
 *       Action::"rapport.customer.v1.CustomerService/GetParty",
 *       Action::"rapport.customer.v1.CustomerService/ListParties"
 *     ],
 *     resource
 *   ) when {
 *     principal.roles.contains("relationship_manager") && ["own", "household"].contains(context.relation)
 *   };
 *
 * A policy that says nothing about the relation permits every row, of every bank.
 */

/** What the policies allow for one caller and method; a bit for each relation of `relations`. */
export type Decision = number;

/** The policies of one service, ready to be asked. */
export interface Policies {
  /** Which relations are allowed; 0 is a refusal. Decided once per distinct facts, then from memory. */
  decide(roles: readonly string[], method: string, purpose: string, dataClass: DataClass): Decision;
}

/** Whether a decision allows a relation. */
export function allows(decision: Decision, relation: Relation): boolean {
  return (decision & (1 << relations.indexOf(relation))) !== 0;
}

/** The rows behind a decision. */
export function scopeOf(decision: Decision, principal: Principal): Scope {
  return scopeBy((relation) => allows(decision, relation), principal);
}

interface PolicyFile {
  file: string;
  policies: string[];
}

/** The folder of the policies for the RPCs that kit itself serves. */
const kitPolicies = join(__dirname, '../../policies');

function readPolicies(dir: string): PolicyFile[] {
  return readdirSync(dir)
    .filter((name) => name.endsWith('.cedar'))
    .sort()
    .map((file) => {
      const parts = cedar.policySetTextToParts(readFileSync(join(dir, file), 'utf8'));
      if (parts.type === 'failure') throw new Error(`${file}: ${parts.errors.map((e) => e.message).join('; ')}`);
      if (parts.policy_templates.length > 0) throw new Error(`${file}: templates are not supported`);
      return { file, policies: parts.policies };
    });
}

function idOf(entity: cedar.EntityUidJson): string {
  return '__entity' in entity ? entity.__entity.id : entity.id;
}

/** The actions that the head of a policy names; a policy for every action names none. */
function actionsOf(text: string): { effect: cedar.Effect; actions: string[] } {
  const parsed = cedar.policyToJson(text);
  if (parsed.type === 'failure') throw new Error(parsed.errors.map((e) => e.message).join('; '));
  const { effect, action } = parsed.json;
  if (action.op === '==' && 'entity' in action) return { effect, actions: [idOf(action.entity)] };
  if (action.op === 'in' && 'entities' in action) return { effect, actions: action.entities.map(idOf) };
  if (action.op === 'in' && 'entity' in action) return { effect, actions: [idOf(action.entity)] };
  return { effect, actions: [] };
}

/**
 * The policies of a folder, and those of kit for the RPCs of the definitions that are kit's. Throws when a permit of the
 * folder reaches an RPC of kit, by its name or because it names none: a service may forbid these, not open them.
 */
function policiesFor(dir: string, definitions: readonly DefinitionShape[]): PolicyFile[] {
  const own = readPolicies(dir);
  const served = new Set(definitions.flatMap((definition) => Object.values(definition).map(methodName)));
  const kits = readPolicies(kitPolicies)
    .map(({ file, policies }) => ({ file: `kit/${file}`, policies }))
    .filter(({ policies }) => policies.some((text) => actionsOf(text).actions.some((name) => served.has(name))));
  const kept = new Set(
    kits.flatMap(({ policies }) => policies.flatMap((text) => actionsOf(text).actions)).map(serviceOf),
  );
  for (const { file, policies } of kits.length > 0 ? own : []) {
    for (const { effect, actions } of policies.map(actionsOf)) {
      if (effect === 'forbid' || (actions.length > 0 && !actions.some((name) => kept.has(serviceOf(name))))) continue;
      throw new Error(`${file} in ${dir} permits RPCs whose policies are those of kit: ${[...kept].join(', ')}`);
    }
  }
  return [...own, ...kits];
}

/**
 * The full names of the RPCs that no `permit` names, in the folder or, for its own RPCs, in kit. A policy without an
 * action covers nothing: somebody has to have thought of each RPC. Throws for a file that does not parse and for a
 * permit of what is kit's to permit.
 */
export function uncoveredRpcs(policiesDir: string, definitions: readonly DefinitionShape[]): string[] {
  const permitted = new Set(
    policiesFor(policiesDir, definitions)
      .flatMap(({ policies }) => policies.map(actionsOf))
      .filter(({ effect }) => effect === 'permit')
      .flatMap(({ actions }) => actions),
  );
  return definitions
    .flatMap((definition) => Object.values(definition).map(methodName))
    .filter((name) => !permitted.has(name));
}

/** What a policy may speak of; a misspelt fact or a comparison of unlike types is then an error at start. */
function schemaFor(actions: ReadonlySet<string>): cedar.Schema {
  const context = {
    type: 'Record' as const,
    attributes: {
      purpose: { type: 'String' as const },
      data_class: { type: 'String' as const },
      relation: { type: 'String' as const },
    },
  };
  const roles = { type: 'Set' as const, element: { type: 'String' as const } };
  const action = { appliesTo: { principalTypes: ['Caller'], resourceTypes: ['Row'], context } };
  return {
    '': {
      entityTypes: { Caller: { shape: { type: 'Record', attributes: { roles } } }, Row: {} },
      actions: Object.fromEntries([...actions].map((name) => [name, action])),
    },
  };
}

function serviceOf(method: string): string {
  return method.slice(0, method.indexOf('/'));
}

let sets = 0;

/**
 * Reads and checks the `*.cedar` files of a folder, with kit's own for the operations service. Throws when an RPC of the
 * definitions has no policy, when a policy names an RPC that its service does not have, when the folder permits an RPC
 * of kit, and when a policy does not parse or fit the facts.
 */
export function loadPolicies(dir: string, definitions: readonly DefinitionShape[]): Policies {
  const uncovered = uncoveredRpcs(dir, definitions);
  if (uncovered.length > 0) throw new Error(`no policy in ${dir} permits: ${uncovered.join(', ')}`);
  const files = policiesFor(dir, definitions);
  const named = new Set(files.flatMap((file) => file.policies.flatMap((text) => actionsOf(text).actions)));
  const served = new Set(definitions.flatMap((definition) => Object.values(definition).map(methodName)));
  const services = new Set([...served].map(serviceOf));
  const unknown = [...named].filter((name) => services.has(serviceOf(name)) && !served.has(name));
  if (unknown.length > 0) throw new Error(`policies in ${dir} name RPCs that do not exist: ${unknown.join(', ')}`);

  const staticPolicies = Object.fromEntries(
    files.flatMap(({ file, policies }) => policies.map((text, index) => [`${file}#${index + 1}`, text] as const)),
  );
  const schema = schemaFor(new Set([...served, ...named]));
  const checked = cedar.validate({ schema, policies: { staticPolicies } });
  if (checked.type === 'failure') throw new Error(checked.errors.map((e) => e.message).join('; '));
  if (checked.validationErrors.length > 0) {
    throw new Error(checked.validationErrors.map((e) => `${e.policyId}: ${e.error.message}`).join('; '));
  }
  sets += 1;
  const id = `policies-${sets}`;
  const parsed = cedar.preparsePolicySet(id, { staticPolicies });
  if (parsed.type === 'failure') throw new Error(parsed.errors.map((e) => e.message).join('; '));

  const known = new Map<string, Decision>();
  return {
    decide: (roles, method, purpose, dataClass) => {
      const key = `${method}|${purpose}|${dataClass}|${roles.join(',')}`;
      const remembered = known.get(key);
      if (remembered !== undefined) return remembered;
      let decision = 0;
      relations.forEach((relation, bit) => {
        if (ask(id, roles, method, { purpose, data_class: dataClass, relation })) decision |= 1 << bit;
      });
      // The purpose is the caller's word, so the table needs a bound.
      if (known.size >= 20_000) known.clear();
      known.set(key, decision);
      return decision;
    },
  };
}

function ask(id: string, roles: readonly string[], method: string, context: cedar.Context): boolean {
  const principal = { type: 'Caller', id: 'caller' };
  const answer = cedar.statefulIsAuthorized({
    preparsedPolicySetId: id,
    principal,
    action: { type: 'Action', id: method },
    resource: { type: 'Row', id: 'row' },
    context,
    entities: [{ uid: principal, attrs: { roles: [...roles] }, parents: [] }],
  });
  // An error inside one policy must not leave a permit of another standing: it may have been the one that forbids.
  return (
    answer.type === 'success' && answer.response.decision === 'allow' && answer.response.diagnostics.errors.length === 0
  );
}
