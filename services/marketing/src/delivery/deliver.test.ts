import { sql } from '@rapport/kit/db';
import { ConsentState } from '@rapport/proto/customer/v1';
import { CampaignState, DeliveryDecision, DeliveryReason } from '@rapport/proto/marketing/v1';
import { openSuite, type Suite } from '../marketing.testkit.js';

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
    expect(english).toContain('List-Unsubscribe: <mailto:no-reply@bank.example?subject=unsubscribe');
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
      { type: 'rapport.marketing.v1.CampaignLaunched', count: 1n },
      { type: 'rapport.marketing.v1.MessageSent', count: 2n },
      { type: 'rapport.marketing.v1.MessageSuppressed', count: 5n },
    ]);
  });
});
