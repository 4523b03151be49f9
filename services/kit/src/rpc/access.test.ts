import { callerName, scopeBy, scopeFor } from './access.js';
import type { Call, DataClass, Principal, Relation } from './call.js';

const manager: Principal = { subject: 'staff/7', roles: ['branch_manager'], orgPath: '/berka/prague', type: 'staff' };

function callBy(principal: Principal, permitted: Partial<Record<DataClass, Relation[]>>): Call {
  const permits = (relation: Relation, dataClass: DataClass = 'C1') =>
    permitted[dataClass]?.includes(relation) ?? false;
  return { principal, permits } as Call;
}

test('the scope of a class holds the relations of that class alone', () => {
  const call = callBy(manager, { C1: ['subtree', 'own'], C2: ['own', 'household', 'team'] });
  expect(scopeFor(call, 'C1')).toEqual({ kind: 'rows', subtree: '/berka/prague', own: 'staff/7' });
  expect(scopeFor(call, 'C2')).toEqual({ kind: 'rows', own: 'staff/7', household: 'staff/7' });
  expect(scopeFor(call, 'C3')).toEqual({ kind: 'nothing' });
});

test('no relation needed, or the subtree of the root, is everything', () => {
  const atRoot = { ...manager, orgPath: '/' };
  expect(scopeBy((relation) => relation === 'none', manager)).toEqual({ kind: 'everything' });
  expect(scopeBy((relation) => relation === 'subtree', atRoot)).toEqual({ kind: 'everything' });
  expect(scopeBy((relation) => relation === 'branch', atRoot)).toEqual({ kind: 'rows', branch: '/' });
});

test('a caller has a resource name', () => {
  expect(callerName(callBy(manager, {}))).toBe('staff/7');
  expect(callerName({ principal: { subject: 'service:cases', roles: [], orgPath: '/', type: 'service' } })).toBe(
    'services/cases',
  );
});
