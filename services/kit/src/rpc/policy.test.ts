import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OperationsServiceService } from '@rapport/proto/operations/v1';
import type { Principal } from './call.js';
import { allows, loadPolicies, type Policies, scopeOf, uncoveredRpcs } from './policy.js';
import { openPolicy, ProbeService, temporaryFolder } from './rpc.testkit.js';

const get = 'rapport.probe.v1.ProbeService/GetProbe';
const change = 'rapport.probe.v1.ProbeService/ChangeProbe';

// What a service's policy file looks like.
const example = `
// A relationship manager reads what is theirs, and changes it with the customer's consent only.
permit (
  principal,
  action == Action::"${get}",
  resource
) when {
  principal.roles.contains("relationship_manager") && ["own", "household"].contains(context.relation)
};

// A branch manager sees the branch and all below it; the most sensitive class only to settle a complaint.
permit (
  principal,
  action in [Action::"${get}", Action::"${change}"],
  resource
) when {
  principal.roles.contains("branch_manager") && ["branch", "subtree"].contains(context.relation)
} unless {
  context.data_class == "C3" && context.purpose != "complaint"
};

// The bank's own services and its auditors see every row; auditors change nothing.
permit (
  principal,
  action == Action::"${get}",
  resource
) when {
  principal.roles.containsAny(["service", "auditor"])
};

forbid (
  principal,
  action == Action::"${change}",
  resource
) when {
  principal.roles.contains("auditor")
};
`;

function principal(roles: string[], orgPath = '/berka/prague'): Principal {
  return { subject: 'staff/anna', roles, orgPath, type: 'staff' };
}

describe('policies', () => {
  const folder = temporaryFolder();
  let policies: Policies;

  beforeAll(() => {
    const rest = openPolicy.replace(/\n.*(GetProbe|ChangeProbe).*/g, '');
    writeFileSync(join(folder.path, 'example.cedar'), example);
    writeFileSync(join(folder.path, 'rest.cedar'), rest);
    policies = loadPolicies(folder.path, [ProbeService]);
  });

  afterAll(() => folder.remove());

  const decide = (roles: string[], method: string, purpose = 'service', dataClass: 'C1' | 'C2' | 'C3' = 'C1') =>
    policies.decide(roles, method, purpose, dataClass);

  test('a role nobody speaks of may nothing', () => {
    expect(decide(['intern'], get)).toBe(0);
    expect(decide([], get)).toBe(0);
    expect(scopeOf(0, principal([]))).toEqual({ kind: 'nothing' });
  });

  test('the allowed relations become the rows', () => {
    const manager = principal(['relationship_manager']);
    expect(scopeOf(decide(manager.roles as string[], get), manager)).toEqual({
      kind: 'rows',
      own: 'staff/anna',
      household: 'staff/anna',
    });
    const both = principal(['relationship_manager', 'branch_manager']);
    expect(scopeOf(decide(both.roles as string[], get), both)).toEqual({
      kind: 'rows',
      subtree: '/berka/prague',
      branch: '/berka/prague',
      own: 'staff/anna',
      household: 'staff/anna',
    });
  });

  test('no relation needed, or a subtree from the root, is everything', () => {
    expect(scopeOf(decide(['service'], get), principal(['service'], '/'))).toEqual({ kind: 'everything' });
    expect(scopeOf(decide(['branch_manager'], get), principal(['branch_manager'], '/'))).toEqual({
      kind: 'everything',
    });
    expect(scopeOf(decide(['relationship_manager'], get), principal([], '/')).kind).toBe('rows');
  });

  test('purpose and data class count, and are not confused in memory', () => {
    for (let again = 0; again < 2; again += 1) {
      expect(allows(decide(['branch_manager'], get, 'service', 'C2'), 'subtree')).toBe(true);
      expect(allows(decide(['branch_manager'], get, 'service', 'C3'), 'subtree')).toBe(false);
      expect(allows(decide(['branch_manager'], get, 'complaint', 'C3'), 'subtree')).toBe(true);
      expect(allows(decide(['branch_manager'], get, 'complaint', 'C3'), 'own')).toBe(false);
    }
  });

  test('a forbid wins over a permit', () => {
    expect(decide(['branch_manager'], change)).not.toBe(0);
    expect(decide(['branch_manager', 'auditor'], change)).toBe(0);
  });

  test('a policy without an action covers no RPC, a forbid neither', () => {
    const other = temporaryFolder();
    writeFileSync(join(other.path, 'a.cedar'), 'permit (principal, action, resource);');
    writeFileSync(join(other.path, 'b.cedar'), `forbid (principal, action == Action::"${get}", resource);`);
    expect(uncoveredRpcs(other.path, [ProbeService])).toHaveLength(5);
    other.remove();
    expect(uncoveredRpcs(folder.path, [ProbeService])).toEqual([]);
  });
});

describe('the RPCs that kit serves itself', () => {
  const folder = temporaryFolder();
  const operations = 'rapport.operations.v1.OperationsService';
  const both = [ProbeService, OperationsServiceService];
  const write = (text: string) => writeFileSync(join(folder.path, 'more.cedar'), text);

  beforeAll(() => writeFileSync(join(folder.path, 'probe.cedar'), openPolicy));
  beforeEach(() => rmSync(join(folder.path, 'more.cedar'), { force: true }));
  afterAll(() => folder.remove());

  test('come with their policies, only where they are served', () => {
    const policies = loadPolicies(folder.path, both);
    const may = (role: string, rpc: string) => policies.decide([role], `${operations}/${rpc}`, 'service', 'C1') !== 0;
    expect(may('operator', 'RedriveDeadLetters')).toBe(true);
    expect(may('administrator', 'GetEventLag')).toBe(true);
    expect(may('auditor', 'VerifyAudit')).toBe(true);
    expect(may('marketer', 'GetEventLag')).toBe(false);
    expect(may('service', 'ListDeadLetters')).toBe(false);
    const alone = loadPolicies(folder.path, [ProbeService]);
    expect(alone.decide(['operator'], `${operations}/VerifyAudit`, 'service', 'C1')).toBe(0);
  });

  test.each([
    ['by name', `permit (principal, action == Action::"${operations}/VerifyAudit", resource);`],
    ['by naming nothing', 'permit (principal, action, resource) when { principal.roles.contains("marketer") };'],
  ])('are opened by no service, %s', (_how, text) => {
    write(text);
    expect(() => loadPolicies(folder.path, both)).toThrow('permits RPCs whose policies are those of kit');
    expect(() => uncoveredRpcs(folder.path, both)).toThrow('permits RPCs whose policies are those of kit');
  });

  test('may be forbidden by a service', () => {
    write(`forbid (principal, action == Action::"${operations}/RedriveDeadLetters", resource);`);
    const policies = loadPolicies(folder.path, both);
    expect(policies.decide(['operator'], `${operations}/RedriveDeadLetters`, 'service', 'C1')).toBe(0);
  });
});
