import { type Mailbox, startMailbox } from '../peers.testkit.js';
import { createMailer, type Mail, type Mailer, messageIdOf, outcomeOf } from './mail.js';

let mailbox: Mailbox;
let mailer: Mailer;
beforeAll(async () => {
  mailbox = await startMailbox();
  mailer = createMailer({
    url: mailbox.url,
    from: 'Bank <no-reply@bank.example>',
    unsubscribeUrl: 'https://bank.example/unsubscribe',
    connections: 1,
  });
});
afterAll(async () => {
  mailer.close();
  await mailbox.stop();
});

const mail = (wish: Partial<Mail> = {}): Mail => ({
  deliveryId: '0190d8b4-3c5e-7c1a-9a54-0b1f6f0d2a11',
  campaign: 'campaigns/0190d8b4-3c5e-7c1a-9a54-0b1f6f0d2a10',
  to: 'jana@example.com',
  subject: 'Hello',
  text: 'Hello',
  html: '',
  language: 'en',
  ...wish,
});

it('writes the headers that one-click unsubscription needs, and the Message-ID of the delivery', async () => {
  expect(await mailer.send(mail())).toBe('accepted');
  const raw = (mailbox.received.at(-1)?.raw ?? '').replace(/\r\n\s+/g, ' ');
  expect(raw).toContain('Message-ID: <0190d8b4-3c5e-7c1a-9a54-0b1f6f0d2a11@bank.example>');
  expect(raw).toContain('<https://bank.example/unsubscribe?delivery=0190d8b4-3c5e-7c1a-9a54-0b1f6f0d2a11>');
  expect(raw).toContain('List-Unsubscribe-Post: List-Unsubscribe=One-Click');
});

it.each(['jana@example.com, all@example.com', 'jana@example.com\r\nRCPT TO:<all@example.com>', '<jana@example.com> x'])(
  'sends to nobody else whatever an address says: %j',
  async (to) => {
    const before = mailbox.received.length;
    await mailer.send(mail({ to }));
    const reached = mailbox.received.slice(before).flatMap((received) => received.to);
    expect(reached).not.toContain('all@example.com');
    expect(reached.length).toBeLessThanOrEqual(1);
  },
);

it('tells what is over from what may come', async () => {
  expect(await mailer.send(mail({ to: 'refused@example.com' }))).toBe('address_refused');
  expect(await mailer.send(mail({ to: 'later@example.com' }))).toBe('put_off');
  expect(await mailer.send(mail({ subject: '[spam]' }))).toBe('message_refused');
  expect(await mailer.send(mail())).toBe('accepted');
});

it('never takes a fault of ours or of the network for a refusal of the recipient', () => {
  expect(outcomeOf({ command: 'MAIL FROM', responseCode: 550 })).toBe('put_off');
  expect(outcomeOf({ command: 'AUTH PLAIN', responseCode: 535 })).toBe('put_off');
  expect(outcomeOf({ command: 'RCPT TO', responseCode: 450 })).toBe('put_off');
  expect(outcomeOf({ command: 'CONN' })).toBe('put_off');
  expect(outcomeOf({ command: 'RCPT TO', responseCode: 550 })).toBe('address_refused');
});

it('makes a Message-ID of a sender with and without a name', () => {
  expect(messageIdOf('1', 'Bank <no-reply@bank.example>')).toBe('<1@bank.example>');
  expect(messageIdOf('1', 'no-reply@bank.example')).toBe('<1@bank.example>');
});
