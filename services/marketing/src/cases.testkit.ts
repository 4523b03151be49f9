// What the table-driven tests of all RPCs share.
import { sql } from '@rapport/kit/db';
import { Campaign, Referral, Suppression, TemplateVersion } from '@rapport/proto/marketing/v1';
import { Channel } from '@rapport/proto/type/v1';
import { type Client, request, type Suite } from './marketing.testkit.js';

export const everyone = [
  'relationship_manager',
  'call_centre_agent',
  'marketer',
  'marketing_approver',
  'branch_manager',
  'auditor',
  'analyst',
  'administrator',
  'privacy_officer',
  'operator',
] as const;
export type Role = (typeof everyone)[number];
/** Everybody but who has to do with the rights of customers alone. */
export const colleagues: Role[] = everyone.filter((role) => role !== 'privacy_officer');

export const sellers: Role[] = ['relationship_manager', 'call_centre_agent', 'branch_manager'];
export const campaignReaders: Role[] = [
  'marketer',
  'marketing_approver',
  'branch_manager',
  'auditor',
  'analyst',
  'administrator',
  'operator',
];
export const deliveryReaders: Role[] = [
  'relationship_manager',
  'call_centre_agent',
  'marketer',
  'marketing_approver',
  'branch_manager',
  'auditor',
  'operator',
];
export const referralReaders: Role[] = [...sellers, 'auditor', 'operator'];
export const makers: Role[] = ['marketer', 'administrator'];

export interface Things {
  product: string;
  offer: string;
  template: string;
  segment: string;
  party: string;
  sent: string;
  suppression: string;
  referral: string;
}
/** What the cases speak of; a test file fills it before its first test. */
export const world = {} as { suite: Suite; things: Things };

/** A person of `/demo` in one role; referrals are of the person who asks. */
export const person = (role: Role, orgPath = '/demo'): Client => world.suite.as([role], orgPath, `staff/${role}`);
export const me = (role: Role): string => `staff/${role}`;

export const texts = { variables: [], variants: [{ language: 'en', subject: 'Hello', textBody: 'Hello' }] };
export const version = (): TemplateVersion => TemplateVersion.fromJSON(texts);
export const draft = (): Campaign => ({
  ...Campaign.fromJSON({ title: 'A campaign', purpose: 'marketing', organisationPath: '/demo' }),
  channel: Channel.CHANNEL_EMAIL,
  segmentVersion: world.things.segment,
  templateVersion: world.things.template,
});
export const hint = (from: string, to = 'staff/colleague'): Referral =>
  Referral.fromJSON({
    party: world.things.party,
    product: world.things.product,
    fromStaff: from,
    fromUnit: 'organisationUnits/one',
    toStaff: to,
    toUnit: 'organisationUnits/two',
    creditSplitBasisPoints: 4000,
    organisationPath: '/demo/prague/1',
  });
export const blocked = (): Suppression =>
  Suppression.fromJSON({
    party: world.things.party,
    purpose: `p${request().slice(-6)}`,
    reason: 'complaint',
    organisationPath: '/demo',
  });

export async function submitted(): Promise<string> {
  const name = await world.suite.campaign(world.things.segment, { templateVersion: world.things.template });
  await world.suite.marketer.submitCampaign({ name, etag: '', requestId: request() });
  return name;
}
export async function approved(): Promise<string> {
  const name = await submitted();
  await world.suite.approver.approveCampaign({ name, etag: '', requestId: request() });
  return name;
}
export async function running(): Promise<string> {
  const name = await approved();
  await world.suite.marketer.launchCampaign({ name, etag: '', requestId: request() });
  return name;
}
export async function referred(to: string, accepted: boolean): Promise<string> {
  const { referral } = await person('call_centre_agent').createReferral({
    referral: hint(me('call_centre_agent'), to === me('call_centre_agent') ? 'staff/other' : to),
    requestId: request(),
  });
  const name = referral?.name ?? '';
  if (to === me('call_centre_agent')) {
    await world.suite.db.system.run(sql`
      UPDATE referral SET to_staff = ${to}, from_staff = 'staff/other' WHERE referral_id = ${name.slice(10)}::uuid`);
  }
  if (accepted) {
    await world.suite.db.system.run(sql`
      UPDATE referral SET state = 2, accept_time = now() WHERE referral_id = ${name.slice(10)}::uuid`);
  }
  return name;
}

export interface Case {
  rpc: keyof Client;
  roles: Role[];
  /** A request that succeeds for the role; fresh each time. */
  sound: (role: Role) => Promise<object> | object;
  /** Broken variants of a sound request, with the field that is named. */
  broken: [(request: never) => object, string][];
  change?: true;
  /** What somebody of another part of the bank gets: a status, or an empty list of that name. */
  elsewhere: 'not_found' | 'denied' | { empty: string };
}

export const page = { pageSize: 0, pageToken: '' };
export const path = '';
export const badPage: Case['broken'] = [
  [(r: object) => ({ ...r, pageSize: -1 }), 'page_size'],
  [(r: object) => ({ ...r, pageSize: 1001 }), 'page_size'],
  [(r: object) => ({ ...r, pageToken: 'x'.repeat(3000) }), 'page_token'],
  [(r: object) => ({ ...r, pageToken: 'bm9uc2Vuc2U' }), 'page_token'],
];
export const badName: Case['broken'] = [
  [(r: object) => ({ ...r, name: '' }), 'name'],
  [(r: object) => ({ ...r, name: 'nonsense/1' }), 'name'],
];
export const badId: Case['broken'] = [
  [(r: object) => ({ ...r, requestId: '' }), 'request_id'],
  [(r: object) => ({ ...r, requestId: 'not-a-uuid' }), 'request_id'],
];
export const within =
  (field: string, patch: object): ((r: never) => object) =>
  (r: Record<string, object>) => ({
    ...r,
    [field]: { ...r[field], ...patch },
  });
