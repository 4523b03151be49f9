import type { StaffRow, UnitRow } from './bank.js';
import { synthesiseStaffName } from './synthesis.js';

/** Who works in each branch: one manager and two relationship managers; one agent each for two branches' calls. */
const BRANCH_ROLES: readonly (readonly string[])[] = [
  ['branch_manager'],
  ['relationship_manager'],
  ['relationship_manager', 'call_centre_agent'],
];

/** Invents the staff of a bank: three people per branch, a marketer and an approver at the top. Deterministic. */
export function staffOf(bank: string, units: readonly UnitRow[]): StaffRow[] {
  const people: StaffRow[] = [];
  const add = (id: string, unit: UnitRow, roles: readonly string[]) =>
    people.push({
      id,
      displayName: synthesiseStaffName(bank, id),
      unit: unit.id,
      organisationPath: unit.organisationPath,
      roles,
    });
  for (const unit of units) {
    if (unit.kind === 'bank') {
      add(`${bank}-marketer`, unit, ['marketer']);
      add(`${bank}-approver`, unit, ['marketing_approver']);
      add(`${bank}-planner`, unit, ['administrator']);
      add(`${bank}-controller`, unit, ['administrator']);
    }
    if (unit.kind === 'branch') {
      BRANCH_ROLES.forEach((roles, index) => {
        add(`${unit.id}-s${index + 1}`, unit, roles);
      });
    }
  }
  return people;
}
