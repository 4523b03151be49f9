import { logger } from '@rapport/kit/runtime';
import nodemailer from 'nodemailer';

/** One e-mail. Everything in it may be personal: it goes to the mail server and nowhere else. */
export interface Mail {
  /** The delivery's id; the Message-ID is made of it, so that a repetition can be told from a second mail. */
  deliveryId: string;
  /** The campaign it belongs to, `campaigns/{uuid}`: bounces and complaints are sorted by it. */
  campaign: string;
  to: string;
  subject: string;
  text: string;
  html: string;
  language: string;
}

/**
 * What the mail server made of a mail: took it, put it off (or never answered: nobody knows whether it took it), refuses
 * the address for good, refuses the message for good.
 */
export type Outcome = 'accepted' | 'put_off' | 'address_refused' | 'message_refused';

/** Hands mail to the bank's mail server. */
export interface Mailer {
  /** Never throws for what the server or the network does. Logs no address and no text. */
  send(mail: Mail): Promise<Outcome>;
  close(): void;
}

/** How mail goes out. */
export interface MailSettings {
  /** smtp://host:port or smtps://user:password@host:port */
  url: string;
  /** The sender's address, with or without a name. */
  from: string;
  /** Where a reader unsubscribes with one click; the delivery's id is added as `?delivery=`. */
  unsubscribeUrl?: string | undefined;
  /** Connections at once. */
  connections: number;
}

interface SmtpError {
  code?: string;
  command?: string;
  responseCode?: number;
}

/** What an error of the transport says about the mail. Pure. */
export function outcomeOf({ command, responseCode }: SmtpError): Outcome {
  // Without a final answer of the server, and for anything about us rather than the recipient, it is tried again.
  if (responseCode === undefined || responseCode < 500) return 'put_off';
  if (command?.startsWith('RCPT')) return 'address_refused';
  if (command?.startsWith('DATA')) return 'message_refused';
  return 'put_off';
}

function domainOf(address: string): string {
  return /@([^\s>]+)>?\s*$/.exec(address)?.[1] ?? 'localhost';
}

/** The Message-ID of a delivery: the same whenever it is sent. */
export function messageIdOf(deliveryId: string, from: string): string {
  return `<${deliveryId}@${domainOf(from)}>`;
}

/** Opens a pool of connections to the mail server; it connects at the first mail and again whenever it has to. */
export function createMailer({ url, from, unsubscribeUrl, connections }: MailSettings): Mailer {
  const transport = nodemailer.createTransport({
    url,
    pool: true,
    maxConnections: connections,
    maxMessages: 1000,
    connectionTimeout: 5000,
    greetingTimeout: 5000,
    socketTimeout: 10_000,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const address = /<([^>]+)>/.exec(from)?.[1] ?? from;
  return {
    async send({ deliveryId, campaign, to, subject, text, html, language }) {
      const byMail = `<mailto:${address}?subject=unsubscribe%20${deliveryId}>`;
      const oneClick = unsubscribeUrl && `<${unsubscribeUrl}?delivery=${deliveryId}>`;
      try {
        await transport.sendMail({
          from,
          // As an object, so that nothing in an address is read as a second one.
          to: { name: '', address: to },
          subject,
          text,
          ...(html !== '' && { html }),
          messageId: messageIdOf(deliveryId, from),
          headers: {
            'Content-Language': language,
            'List-Unsubscribe': oneClick ? `${oneClick}, ${byMail}` : byMail,
            ...(oneClick && { 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' }),
            'Auto-Submitted': 'auto-generated',
            'X-Rapport-Campaign': campaign,
          },
        });
        return 'accepted';
      } catch (error) {
        const { code, command, responseCode } = error as SmtpError;
        const outcome = outcomeOf({ code, command, responseCode } as SmtpError);
        // The error's own text quotes the address.
        logger.warn({ code, command, responseCode, outcome, delivery: deliveryId }, 'a mail was not taken');
        return outcome;
      }
    },
    close: () => transport.close(),
  };
}
