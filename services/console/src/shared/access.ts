/**
 * What each role is shown. The services decide what is permitted; this only keeps away buttons that would be refused.
 */
const shown = {
  searchParties: ['relationship_manager', 'call_centre_agent', 'branch_manager', 'auditor', 'data_steward'],
  viewCustomer: ['relationship_manager', 'call_centre_agent', 'branch_manager', 'auditor', 'data_steward'],
  viewMemberships: ['relationship_manager', 'call_centre_agent', 'branch_manager', 'marketer', 'analyst'],
  viewDeliveries: [
    'relationship_manager',
    'call_centre_agent',
    'branch_manager',
    'marketer',
    'marketing_approver',
    'auditor',
  ],
  changeConsent: ['relationship_manager', 'call_centre_agent', 'branch_manager'],
  viewParties: [
    'relationship_manager',
    'call_centre_agent',
    'branch_manager',
    'auditor',
    'marketer',
    'marketing_approver',
    'analyst',
  ],
  viewSegments: ['marketer', 'marketing_approver', 'analyst', 'branch_manager', 'auditor', 'administrator'],
  previewSegment: ['marketer', 'analyst', 'branch_manager', 'administrator'],
  editSegments: ['marketer', 'analyst', 'administrator'],
  viewCampaigns: ['marketer', 'marketing_approver', 'branch_manager', 'auditor', 'analyst', 'administrator'],
  createCampaign: ['marketer'],
  approveCampaign: ['marketing_approver'],
  launchCampaign: ['marketer', 'marketing_approver'],
  viewCases: ['relationship_manager', 'call_centre_agent', 'branch_manager', 'auditor', 'analyst'],
  workCases: ['relationship_manager', 'call_centre_agent', 'branch_manager'],
  viewCaseHistory: ['relationship_manager', 'call_centre_agent', 'branch_manager', 'auditor'],
  answerSurvey: ['call_centre_agent'],
  viewRanking: ['branch_manager', 'auditor', 'administrator'],
  viewOwnScore: ['relationship_manager', 'call_centre_agent', 'marketer', 'marketing_approver', 'branch_manager'],
  viewStaff: [
    'relationship_manager',
    'call_centre_agent',
    'marketer',
    'marketing_approver',
    'branch_manager',
    'auditor',
    'administrator',
  ],
  viewDashboard: [
    'branch_manager',
    'marketer',
    'marketing_approver',
    'analyst',
    'auditor',
    'administrator',
    'relationship_manager',
  ],
  exportFigures: ['branch_manager', 'analyst', 'auditor'],
} as const satisfies Record<string, readonly string[]>;

export type Ability = keyof typeof shown;

/** Whether one of the roles is shown that. */
export function may(roles: readonly string[], ability: Ability): boolean {
  const wanted: readonly string[] = shown[ability];
  return roles.some((role) => wanted.includes(role));
}
