import { setTimeout as sleep } from 'node:timers/promises';
import { openDatabase, sql } from '@rapport/kit/db';
import { ConsentState, type Contactability, PartyState } from '@rapport/proto/customer/v1';
import { CampaignState, DeliveryDecision, DeliveryReason } from '@rapport/proto/marketing/v1';
import { Channel } from '@rapport/proto/type/v1';
import { createMailer } from '../mail/mail.js';
import { NOON, openSuite, request, type Suite } from '../marketing.testkit.js';

let suite: Suite;
beforeAll(async () => {
  suite = await openSuite();
});
afterAll(() => suite.close());
afterEach(() => suite.stopWorkers());

describe('a campaign', () => {
  it('goes to the members who may be written to, and says why the others got nothing', async () => {
    const { customer, mailbox } = suite;
    await suite.policy();
    suite.startWorkers();
    const reached = customer.party();
    const chinese = customer.party({ language: 'zh-CN' });
    const refused = customer.party({ consentState: ConsentState.CONSENT_STATE_WITHDRAWN });
    const silent = customer.party({ consentState: ConsentState.CONSENT_STATE_UNSPECIFIED });
    const mute = customer.party({ address: '' });
    const elsewhere = customer.party({ organisationPath: '/other' });
    const unknown = 'parties/01890000-0000-7000-8000-000000000000';
    const segment = suite.segment([reached, chinese, refused, silent, mute, elsewhere, unknown]);
    const before = mailbox.received.length;
    const name = await suite.launched(segment, { values: { rate: '4 % & more' } });
    const summary = await suite.until(name, ({ state }) => state === CampaignState.CAMPAIGN_STATE_COMPLETED);
    expect(summary).toMatchObject({ audience: 7n, sent: 2n, pending: 0n, held: [], holdout: 0n, failed: [] });
    expect(new Map(summary.suppressed.map(({ reason, count }) => [reason, count]))).toEqual(
      new Map([
        [DeliveryReason.DELIVERY_REASON_NO_CONSENT, 1n],
        [DeliveryReason.DELIVERY_REASON_CONSENT_WITHDRAWN, 1n],
        [DeliveryReason.DELIVERY_REASON_NO_ADDRESS, 1n],
        [DeliveryReason.DELIVERY_REASON_PARTY_NOT_FOUND, 2n],
      ]),
    );
    const mails = mailbox.received.slice(before);
    expect(mails.map(({ to }) => to[0]).sort()).toEqual(
      [reached, chinese].map((party) => customer.contacts.get(party)?.address).sort(),
    );
    const english = mails.find(({ to }) => to[0] === customer.contacts.get(reached)?.address)?.raw ?? '';
    expect(english).toMatch(/^List-Unsubscribe:\s+<mailto:no-reply@bank\.example\?subject=unsubscribe/m);
    expect(english).toContain('A word, Jana');
    expect(english).toContain('4 % &amp; more</p>');
    const { deliveries } = await suite.marketer.listDeliveries({
      campaign: name,
      party: chinese,
      decision: 0,
      reason: 0,
      pageSize: 0,
      pageToken: '',
    });
    expect(deliveries[0]).toMatchObject({
      decision: DeliveryDecision.DELIVERY_DECISION_SENT,
      language: 'zh',
      organisationPath: '/demo/prague/1',
    });
    expect(mails.map(({ id }) => id)).toContain(`<${deliveries[0]?.name.split('/').pop()}@bank.example>`);
    const events = await suite.rows<{ type: string; count: bigint }>(sql`
      SELECT type, count(*) AS count FROM kit.outbox GROUP BY type ORDER BY type`);
    expect(events).toEqual([
      { type: 'rapport.marketing.v1.CampaignCompleted', count: 1n },
      { type: 'rapport.marketing.v1.CampaignLaunched', count: 1n },
      { type: 'rapport.marketing.v1.MessageSent', count: 2n },
      { type: 'rapport.marketing.v1.MessageSuppressed', count: 5n },
    ]);
  });
});

/** The reasons of what is held, with their counts. */
function heldFor(summary: { held: { reason: DeliveryReason; count: bigint }[] }): unknown {
  return summary.held.map(({ reason, count }) => [reason, count]);
}

const list = { party: '', decision: 0, reason: 0, pageSize: 1000, pageToken: '' };

describe('what is held', () => {
  beforeEach(() => {
    suite.clock.at = NOON;
  });

  it('waits for the end of the quiet hours where the party is, and goes then', async () => {
    await suite.policy({ quiet: { start: '11:00', end: '13:30' } });
    suite.startWorkers();
    const prague = suite.customer.party();
    const tokyo = suite.customer.party({ timeZone: 'Asia/Tokyo' });
    const name = await suite.launched(suite.segment([prague, tokyo]));
    const held = await suite.until(name, ({ sent, pending }) => sent === 1n && pending === 0n);
    expect(heldFor(held)).toEqual([[DeliveryReason.DELIVERY_REASON_QUIET_HOURS, 1n]]);
    const { deliveries } = await suite.marketer.listDeliveries({ ...list, campaign: name, party: prague });
    expect(deliveries[0]?.retryTime).toEqual(new Date('2026-03-16T12:30:00Z'));
    expect(deliveries[0]?.checks.at(-1)).toMatchObject({ passed: false, finding: 'inside 11:00 to 13:30' });
    suite.clock.at = new Date('2026-03-16T12:30:00Z');
    await suite.until(name, ({ sent }) => sent === 2n);
  });

  it('is decided by what holds when it is sent: consents and states may change between launch and sending', async () => {
    await suite.policy({ quiet: { start: '11:00', end: '13:30' } });
    suite.startWorkers();
    const { customer, mailbox } = suite;
    const [stays, withdraws, ends, restricts] = Array.from({ length: 4 }, () => customer.party()) as [
      string,
      string,
      string,
      string,
    ];
    const before = mailbox.received.length;
    const name = await suite.launched(suite.segment([stays, withdraws, ends, restricts]));
    await suite.until(name, ({ audience, pending }) => audience === 4n && pending === 0n);
    expect(mailbox.received).toHaveLength(before);
    const now = (party: string, said: object) => Object.assign(customer.contacts.get(party) as Contactability, said);
    now(withdraws, { consentState: ConsentState.CONSENT_STATE_WITHDRAWN });
    now(ends, { consentState: ConsentState.CONSENT_STATE_EXPIRED });
    now(restricts, { state: PartyState.PARTY_STATE_RESTRICTED });
    suite.clock.at = new Date('2026-03-16T12:30:00Z');
    const summary = await suite.until(name, ({ sent, held }) => sent === 1n && held.length === 0);
    expect(new Map(summary.suppressed.map(({ reason, count }) => [reason, count]))).toEqual(
      new Map([
        [DeliveryReason.DELIVERY_REASON_CONSENT_WITHDRAWN, 1n],
        [DeliveryReason.DELIVERY_REASON_CONSENT_EXPIRED, 1n],
        [DeliveryReason.DELIVERY_REASON_PARTY_RESTRICTED, 1n],
      ]),
    );
    const sent = mailbox.received.slice(before).map(({ to }) => to[0]);
    expect(sent).toEqual([customer.contacts.get(stays)?.address]);
  });

  it('keeps the cap with eight campaigns and three workers at once, and goes when the window has moved on', async () => {
    await suite.policy({ messages: 2, days: 7 });
    const parties = Array.from({ length: 20 }, () => suite.customer.party());
    const template = await suite.template();
    const campaigns = await Promise.all(
      Array.from({ length: 8 }, () => suite.launched(suite.segment(parties), { templateVersion: template })),
    );
    for (let worker = 0; worker < 3; worker += 1) suite.startWorkers({ batch: 7 });
    const summaries = await Promise.all(
      campaigns.map((name) => suite.until(name, ({ pending, audience }) => audience === 20n && pending === 0n)),
    );
    expect(summaries.reduce((sum, { sent }) => sum + sent, 0n)).toBe(40n);
    const perParty = await suite.rows<{ count: bigint }>(sql`
      SELECT count(*) AS count FROM delivery_decision
      WHERE decision = 2 AND campaign_id = ANY(${campaigns.map((name) => name.slice(10))}::uuid[]) GROUP BY party_id`);
    expect(perParty.map(({ count }) => count)).toEqual(Array.from({ length: 20 }, () => 2n));
    suite.clock.at = new Date(NOON.getTime() + 7 * 86_400_000);
    await Promise.all(campaigns.map((name) => suite.until(name, ({ pending }) => pending === 0n)));
    const total = async () =>
      (await Promise.all(campaigns.map((name) => suite.marketer.getCampaignSummary({ name })))).reduce(
        (sum, { sent }) => sum + sent,
        0n,
      );
    for (let tries = 0; (await total()) < 80n && tries < 200; tries += 1) await sleep(20);
    await sleep(100);
    expect(await total()).toBe(80n);
  });

  it('waits while customer does not answer: nothing is sent without its word', async () => {
    await suite.policy();
    suite.startWorkers();
    suite.customer.broken = true;
    const before = suite.mailbox.received.length;
    const name = await suite.launched(suite.segment([suite.customer.party()]));
    const held = await suite.until(name, ({ held: some }) => some.length === 1);
    expect(heldFor(held)).toEqual([[DeliveryReason.DELIVERY_REASON_CUSTOMER_UNAVAILABLE, 1n]]);
    expect(suite.mailbox.received).toHaveLength(before);
    suite.customer.broken = false;
    suite.clock.at = new Date(NOON.getTime() + 10_000);
    await suite.until(name, ({ sent }) => sent === 1n);
  });

  it('waits where no contact policy holds, and goes when one is set', async () => {
    suite.startWorkers();
    const party = suite.customer.party({ organisationPath: '/lone/1' });
    const maker = suite.as(['marketer'], '/', 'staff/root');
    const checker = suite.as(['marketing_approver'], '/', 'staff/boss');
    const templateId = 'lone-template';
    await maker.createTemplate({
      templateId,
      title: 'Lone',
      organisationPath: '/',
      version: {
        name: '',
        version: 0,
        variables: [],
        variants: [{ language: 'en', subject: 'Hello', textBody: 'Hello', htmlBody: '' }],
        createdBy: '',
      },
      requestId: request(),
    });
    const { campaign } = await maker.createCampaign({
      campaign: {
        name: '',
        title: 'Lone',
        segmentVersion: suite.segment([party]),
        templateVersion: `templates/${templateId}@1`,
        offer: '',
        channel: Channel.CHANNEL_EMAIL,
        purpose: 'marketing',
        organisationPath: '/lone',
        onEnter: false,
        holdoutPercent: 0,
        values: {},
        state: 0,
        createdBy: '',
        approvedBy: '',
        etag: '',
      },
      requestId: request(),
    });
    const name = campaign?.name ?? '';
    await maker.submitCampaign({ name, etag: '', requestId: request() });
    await checker.approveCampaign({ name, etag: '', requestId: request() });
    await maker.launchCampaign({ name, etag: '', requestId: request() });
    const summary = async () => maker.getCampaignSummary({ name });
    for (let tries = 0; (await summary()).held.length === 0 && tries < 200; tries += 1) await sleep(20);
    expect(heldFor(await summary())).toEqual([[DeliveryReason.DELIVERY_REASON_NO_CONTACT_POLICY, 1n]]);
    await checker.setContactPolicy({
      policy: { organisationPath: '/lone', frequencyCaps: [], etag: '' },
      requestId: request(),
    });
    for (let tries = 0; (await summary()).sent === 0n && tries < 200; tries += 1) await sleep(20);
    expect(await summary()).toMatchObject({ sent: 1n, held: [] });
  });

  it('waits while the campaign is paused, and goes when it is launched again', async () => {
    await suite.policy();
    const name = await suite.launched(suite.segment([suite.customer.party()]), { onEnter: true });
    await suite.marketer.pauseCampaign({ name, etag: '', requestId: request() });
    suite.startWorkers();
    const held = await suite.until(name, ({ held: some }) => some.length === 1);
    expect(heldFor(held)).toEqual([[DeliveryReason.DELIVERY_REASON_CAMPAIGN_PAUSED, 1n]]);
    await suite.marketer.launchCampaign({ name, etag: '', requestId: request() });
    const summary = await suite.until(name, ({ sent }) => sent === 1n);
    expect(summary.state).toBe(CampaignState.CAMPAIGN_STATE_RUNNING);
  });

  it('tells of a held message once for each reason', async () => {
    await suite.policy({ messages: 1 });
    suite.startWorkers();
    const party = suite.customer.party();
    await suite.until(await suite.launched(suite.segment([party])), ({ sent }) => sent === 1n);
    const name = await suite.launched(suite.segment([party]));
    await suite.until(name, ({ held }) => held.length === 1);
    await suite.policy({ messages: 1, days: 3 });
    await sleep(200);
    const attempts = await suite.rows<{ attempts: number; told: bigint }>(sql`
      SELECT attempts, (SELECT count(*) FROM kit.outbox
        WHERE type = 'rapport.marketing.v1.MessageHeld' AND aggregate = d.party_id::text) AS told
      FROM delivery d WHERE campaign_id = ${name.slice(10)}::uuid`);
    expect(attempts).toEqual([{ attempts: 2, told: 1n }]);
  });
});

describe('what the mail server says', () => {
  beforeAll(() => suite.policy());
  beforeEach(() => {
    suite.clock.at = NOON;
    suite.startWorkers();
  });

  it('a refused address fails and is suppressed from then on', async () => {
    const party = suite.customer.party({ address: 'refused@example.com' });
    const name = await suite.launched(suite.segment([party]));
    const { failed } = await suite.until(name, ({ failed: some }) => some.length === 1);
    expect(failed).toEqual([{ reason: DeliveryReason.DELIVERY_REASON_ADDRESS_REFUSED, count: 1n }]);
    const { suppressions } = await suite.marketer.listSuppressions({
      party,
      pageSize: 0,
      pageToken: '',
      organisationPath: '',
    });
    expect(suppressions).toMatchObject([{ party, reason: 'bounced', channel: Channel.CHANNEL_EMAIL }]);
    const next = await suite.launched(suite.segment([party]));
    const { suppressed } = await suite.until(next, ({ pending, audience }) => audience === 1n && pending === 0n);
    expect(suppressed).toEqual([{ reason: DeliveryReason.DELIVERY_REASON_ON_SUPPRESSION_LIST, count: 1n }]);
    const slots = await suite.rows(sql`SELECT FROM message_slot WHERE party_id = ${party.slice(8)}::uuid`);
    expect(slots).toHaveLength(0);
  });

  it('a refused message fails without a word about the address', async () => {
    const template = await suite.template('[spam] {{ party.given_name }}');
    const party = suite.customer.party();
    const name = await suite.launched(suite.segment([party]), { templateVersion: template });
    const { failed } = await suite.until(name, ({ failed: some }) => some.length === 1);
    expect(failed).toEqual([{ reason: DeliveryReason.DELIVERY_REASON_MESSAGE_REFUSED, count: 1n }]);
    const { suppressions } = await suite.marketer.listSuppressions({
      party,
      pageSize: 0,
      pageToken: '',
      organisationPath: '',
    });
    expect(suppressions).toEqual([]);
  });

  it('what it puts off is tried again under the same Message-ID', async () => {
    const party = suite.customer.party({ address: 'later@example.com' });
    const name = await suite.launched(suite.segment([party]));
    const { held } = await suite.until(name, ({ held: some }) => some.length === 1);
    expect(held).toEqual([{ reason: DeliveryReason.DELIVERY_REASON_MAIL_SERVER_UNAVAILABLE, count: 1n }]);
    const contact = suite.customer.contacts.get(party);
    if (contact) contact.address = 'now@example.com';
    suite.clock.at = new Date(NOON.getTime() + 60_000);
    await suite.until(name, ({ sent }) => sent === 1n);
    const { deliveries } = await suite.marketer.listDeliveries({ ...list, campaign: name });
    const id = `<${deliveries[0]?.name.split('/').pop()}@bank.example>`;
    expect(suite.mailbox.received.filter((mail) => mail.id === id)).toHaveLength(1);
  });

  it('a mail server that is away holds everything and loses nothing', async () => {
    await suite.stopWorkers();
    const away = createMailer({ url: 'smtp://127.0.0.1:9', from: 'no-reply@bank.example', connections: 4 });
    suite.startWorkers({}, { ...suite.deps, mailer: away });
    const parties = Array.from({ length: 30 }, () => suite.customer.party());
    const name = await suite.launched(suite.segment(parties));
    const held = await suite.until(name, ({ held: some }) => some[0]?.count === 30n);
    expect(heldFor(held)).toEqual([[DeliveryReason.DELIVERY_REASON_MAIL_SERVER_UNAVAILABLE, 30n]]);
    await suite.stopWorkers();
    away.close();
    suite.clock.at = new Date(NOON.getTime() + 600_000);
    suite.startWorkers();
    await suite.until(name, ({ sent }) => sent === 30n);
  });
});

describe('a text that cannot be made', () => {
  it('fails for that party alone', async () => {
    suite.clock.at = NOON;
    await suite.policy();
    suite.startWorkers();
    const template = await suite.template('{% for i in (1..9000000) %}{{ i }}{% endfor %}');
    const name = await suite.launched(suite.segment([suite.customer.party()]), { templateVersion: template });
    const { failed } = await suite.until(name, ({ failed: some }) => some.length === 1);
    expect(failed).toEqual([{ reason: DeliveryReason.DELIVERY_REASON_TEMPLATE_FAILED, count: 1n }]);
  });
});

describe('the holdout', () => {
  it('gets nothing, is chosen by chance and the same way each time', async () => {
    suite.clock.at = NOON;
    await suite.policy();
    suite.startWorkers();
    const parties = Array.from({ length: 200 }, () => suite.customer.party());
    const name = await suite.launched(suite.segment(parties), { holdoutPercent: 30 });
    const { sent, holdout } = await suite.until(name, ({ audience, pending }) => audience === 200n && pending === 0n);
    expect(sent + holdout).toBe(200n);
    expect(Number(holdout)).toBeGreaterThan(30);
    expect(Number(holdout)).toBeLessThan(90);
  });
});

describe('a suppression', () => {
  it('takes effect before the next send', async () => {
    suite.clock.at = NOON;
    await suite.policy();
    const party = suite.customer.party();
    const name = await suite.launched(suite.segment([party]));
    await suite.marketer.addSuppression({
      suppression: {
        name: '',
        party,
        channel: 0,
        purpose: '',
        reason: 'complaint',
        organisationPath: '/demo',
        createdBy: '',
      },
      requestId: request(),
    });
    suite.startWorkers();
    const { suppressed } = await suite.until(name, ({ audience, pending }) => audience === 1n && pending === 0n);
    expect(suppressed).toEqual([{ reason: DeliveryReason.DELIVERY_REASON_ON_SUPPRESSION_LIST, count: 1n }]);
  });
});

describe('decisions', () => {
  it('are kept as they were made', async () => {
    const own = openDatabase({ url: suite.database.url, application: 'tamper' });
    await expect(own.system.run(sql`UPDATE delivery_decision SET reason = 1`)).rejects.toThrow(
      'kept as they were made',
    );
    await expect(own.system.run(sql`DELETE FROM delivery_decision`)).rejects.toThrow('kept as they were made');
    await expect(own.system.run(sql`TRUNCATE delivery_decision`)).rejects.toThrow('kept as they were made');
    await own.close();
  });
});
