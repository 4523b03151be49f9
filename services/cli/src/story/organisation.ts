import { StaffState, UnitKind } from '@rapport/proto/performance/v1';
import type { Story } from './context.js';

const KIND = {
  bank: UnitKind.UNIT_KIND_BANK,
  region: UnitKind.UNIT_KIND_REGION,
  branch: UnitKind.UNIT_KIND_BRANCH,
} as const;

/** Sets up the bank's units from the top down, and its staff. Repeating it finds everything there. */
export async function setUpOrganisation(story: Story): Promise<void> {
  const { bank, clients } = story;
  const step = story.progress.step('Organisation', bank.units.length + bank.staff.length);
  for (const unit of bank.units) {
    await clients.performance.createUnit({
      requestId: story.request('unit', unit.id),
      organisationUnitId: unit.id,
      organisationUnit: {
        name: '',
        title: unit.title,
        kind: KIND[unit.kind],
        parent: unit.parent ? `organisationUnits/${unit.parent}` : '',
        segment: unit.organisationPath.split('/').at(-1) ?? '',
        organisationPath: '',
        etag: '',
      },
    });
    step.advance();
  }
  for (let start = 0; start < bank.staff.length; start += 100) {
    const batch = bank.staff.slice(start, start + 100);
    await clients.performance.batchCreateStaff({
      requestId: story.request('staff', start),
      staff: batch.map((person) => ({
        staffId: person.id,
        staff: {
          name: '',
          displayName: person.displayName,
          unit: `organisationUnits/${person.unit}`,
          organisationPath: '',
          roles: [...person.roles],
          state: StaffState.STAFF_STATE_ACTIVE,
          etag: '',
        },
      })),
    });
    step.advance(batch.length);
  }
  step.done(`${bank.units.length} units, ${bank.staff.length} staff`);
}
