import { everything, type Scope } from '../db/index.js';
import { type Call, type DataClass, type Principal, type Relation, relations } from './call.js';

/**
 * The rows of the allowed relations. `none` (no relation needed) is everything, and so is the subtree of somebody who
 * stands at `/`; otherwise the relations add up.
 */
export function scopeBy(allows: (relation: Relation) => boolean, principal: Principal): Scope {
  const allowed = new Set(relations.filter(allows));
  if (allowed.size === 0) return { kind: 'nothing' };
  if (allowed.has('none') || (allowed.has('subtree') && principal.orgPath === '/')) return everything;
  return {
    kind: 'rows',
    ...(allowed.has('subtree') && { subtree: principal.orgPath }),
    ...(allowed.has('branch') && { branch: principal.orgPath }),
    ...(allowed.has('own') && { own: principal.subject }),
    ...(allowed.has('household') && { household: principal.subject }),
    ...(allowed.has('team') && principal.team && { team: principal.team }),
  };
}

/** By the question and who asks it, which the calls of one caller with one method share. */
const scopes = new WeakMap<Call['permits'], { principal: Principal; ofClass: Map<DataClass, Scope> }>();

/**
 * The rows of which the caller may see fields of that class with this method; `call.scope` is the answer for C1. Where a
 * row is of no use without its personal fields (money, contacts, consents), filter by C2: what the caller may not see in
 * full is then absent.
 */
export function scopeFor(call: Call, dataClass: DataClass): Scope {
  const { permits, principal } = call;
  let known = scopes.get(permits);
  if (known?.principal !== principal) {
    known = { principal, ofClass: new Map() };
    scopes.set(permits, known);
  }
  const scope = known.ofClass.get(dataClass) ?? scopeBy((relation) => permits(relation, dataClass), principal);
  known.ofClass.set(dataClass, scope);
  return scope;
}

/** Who makes a call, as a resource name: `staff/{id}` or `services/{name}`. */
export function callerName(call: Pick<Call, 'principal'>): string {
  return call.principal.subject.replace(/^service:/, 'services/');
}
