import { tables } from '../fact/fact.js';
import { type AttributeSpec, dayBehind, lastDay, type Source, textOf } from './attribute.js';

/** The ways of contact, as rules name them. */
export const channels = ['email', 'sms', 'phone', 'post', 'app', 'branch', 'web'] as const;

const consents: Source = { alias: 'c', table: tables.consent };

/** What a party has agreed to. */
export const consentAttributes: readonly AttributeSpec[] = [
  {
    key: 'consent',
    type: 'bool',
    title: { en: 'Consent', zh: '营销同意' },
    description: {
      en: 'Whether the party has agreed to be contacted for a purpose on a channel. Nothing said is false.',
      zh: '客户是否同意为某一目的经某一渠道被联系。没有表示即为否。',
    },
    sensitivity: 'C1',
    dated: true,
    sources: ['rapport.customer.v1.ConsentChanged'],
    arguments: [
      {
        name: 'purpose',
        type: 'string',
        description: { en: 'A lower-case code, for example "marketing".', zh: '小写代码，例如 "marketing"。' },
      },
      { name: 'channel', type: 'string', values: channels, description: { en: 'By which way.', zh: '经哪种渠道。' } },
    ],
    column: (args, sql) => {
      const purpose = sql.bind(textOf(args, 'purpose'), 'String');
      const channel = sql.bind(textOf(args, 'channel'), 'String');
      const told = `purpose = ${purpose} AND channel = ${channel} AND effective_time < ${sql.moment()}`;
      const last = sql.from(consents, `argMaxIf(granted, (effective_time, version), ${told})`);
      return { sql: `(${last} = 1)`, nullable: false };
    },
    comesFrom: (args, sql) => {
      const purpose = sql.bind(textOf(args, 'purpose'), 'String');
      const channel = sql.bind(textOf(args, 'channel'), 'String');
      const told = `purpose = ${purpose} AND channel = ${channel} AND effective_time < ${sql.moment()}`;
      return [dayBehind('last said on', '最近表示', sql.from(consents, lastDay('effective_time', told, sql)))];
    },
    words: (args) => `consent to ${textOf(args, 'purpose')} by ${textOf(args, 'channel')}`,
  },
];
