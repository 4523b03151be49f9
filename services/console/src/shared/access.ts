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
  viewMatches: ['data_steward', 'auditor'],
  decideMatch: ['data_steward'],
  startMatchRun: ['data_steward'],
  viewImports: ['auditor', 'administrator', 'data_steward'],
  viewRejects: ['auditor', 'data_steward'],
  viewSources: ['data_steward', 'administrator', 'auditor', 'branch_manager', 'analyst'],
  changeSources: ['administrator'],
  viewQuality: ['data_steward', 'auditor', 'branch_manager'],
  viewRequests: ['relationship_manager', 'call_centre_agent', 'branch_manager', 'privacy_officer', 'auditor'],
  takeRequests: ['relationship_manager', 'call_centre_agent', 'branch_manager', 'privacy_officer'],
  decideRequests: ['privacy_officer'],
  viewHolds: ['privacy_officer', 'auditor'],
  placeHolds: ['privacy_officer'],
  viewLooked: ['privacy_officer', 'auditor'],
} as const satisfies Record<string, readonly string[]>;

export type Ability = keyof typeof shown;

/** Whether one of the roles is shown that. */
export function may(roles: readonly string[], ability: Ability): boolean {
  const wanted: readonly string[] = shown[ability];
  return roles.some((role) => wanted.includes(role));
}
