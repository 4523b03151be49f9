/** A table of facts in ClickHouse. A new one is one declaration here. */
export interface FactTable {
  name: string;
  /** The columns that it was first made with, and their types. */
  columns: Readonly<Record<string, string>>;
  /** Columns that came later; a table of before gets them at the next start. */
  added?: Readonly<Record<string, string>>;
  /** What a row is about: of rows with the same key the one with the highest `version` counts. Starts with `party` where
   * rules read rows of one. */
  key: readonly string[];
  /** What tells rows apart that are told of several parties: where those are one golden record, it counts once. */
  once: readonly string[];
}

const text = 'LowCardinality(String)';
const money = 'Decimal(18, 4)';
const moment = "DateTime64(3, 'UTC')";

/**
 * What rules read. Each row is a fact as an event told it, keyed by what it is about, so that the same event again makes
 * the same row and the newest version of a row wins. Days are numbers such as 19940331, 0 for none. Amounts are in whole
 * units of their currency.
 */
export const tables = {
  party: {
    name: 'party',
    columns: {
      party: 'UUID',
      organisation_path: 'String',
      manager: 'String',
      kind: text,
      sex: text,
      birth_date: 'Int32',
      region: text,
      district: text,
      branch: text,
      source: text,
      version: 'UInt64',
    },
    // A party of which the state is not known counts as in ordinary use. The number is what bitmaps of members hold; 0
    // until it has one.
    added: {
      state: text,
      language: text,
      number: 'UInt32',
      occupation: text,
      occupation_code: text,
      industry: text,
      industry_code: text,
      education: text,
      income: `Nullable(${money})`,
    },
    key: ['party'],
    once: [],
  },
  holding: {
    name: 'holding',
    columns: {
      party: 'UUID',
      holding: 'UUID',
      organisation_path: 'String',
      kind: text,
      owner: 'Bool',
      opened_date: 'Int32',
      version: 'UInt64',
    },
    // What a loan, a standing order, an overdraft or an insurance is about; NULL for others and where it is not known.
    added: { closed_date: 'Int32', amount: `Nullable(${money})`, card_type: text },
    key: ['party', 'holding'],
    once: ['holding'],
  },
  transaction: {
    name: 'booked_transaction',
    columns: {
      party: 'UUID',
      booking_date: 'Int32',
      transaction: 'UUID',
      holding: 'UUID',
      organisation_path: 'String',
      holding_kind: text,
      owner: 'Bool',
      sequence: 'Int32',
      direction: text,
      operation: text,
      amount: money,
      balance_after: `Nullable(${money})`,
      version: 'UInt64',
    },
    // The counterparty is a keyed digest; 0 where there is none.
    added: { category: text, channel: text, merchant_category: text, purpose: text, counterparty: 'UInt64' },
    key: ['party', 'booking_date', 'transaction'],
    once: ['transaction'],
  },
  consent: {
    name: 'consent',
    columns: {
      party: 'UUID',
      purpose: text,
      channel: text,
      effective_time: moment,
      consent: 'UUID',
      organisation_path: 'String',
      granted: 'Bool',
      version: 'UInt64',
    },
    key: ['party', 'purpose', 'channel', 'effective_time', 'consent'],
    once: ['consent'],
  },
  /** Who came into a household, left it or got another role; an empty role is that of who left. */
  householdMember: {
    name: 'household_member',
    columns: { party: 'UUID', household: 'UUID', change_time: moment, kind: text, role: text, version: 'UInt64' },
    // Who it was told of, also where that is merged: one may leave while another who is the same customer stays.
    added: { member: 'UUID' },
    key: ['party', 'household', 'change_time'],
    once: ['household', 'member', 'change_time'],
  },
  /** The grounds on which parties have tags: until when each holds, as it was told at a time. Ended is 1970. */
  tag: {
    name: 'tag',
    columns: {
      party: 'UUID',
      definition: text,
      source: text,
      reference: text,
      time: moment,
      held_until: moment,
      version: 'UInt64',
    },
    added: { member: 'UUID' },
    key: ['party', 'definition', 'source', 'reference', 'time'],
    once: ['definition', 'source', 'reference', 'member', 'time'],
  },
  /** What happened in the lives of parties. One that was taken back has no kind. Those of class C3 are not kept. */
  lifeEvent: {
    name: 'life_event',
    columns: {
      party: 'UUID',
      life_event: 'UUID',
      kind: text,
      certainty: text,
      start_date: 'Int32',
      version: 'UInt64',
    },
    key: ['party', 'life_event'],
    once: ['life_event'],
  },
  interaction: {
    name: 'interaction',
    columns: {
      party: 'UUID',
      time: moment,
      interaction: 'UUID',
      channel: text,
      direction: text,
      kind: text,
      version: 'UInt64',
    },
    key: ['party', 'time', 'interaction'],
    once: ['interaction'],
  },
  /** What parties did in the app and on the web. */
  behaviour: {
    name: 'behaviour',
    columns: {
      party: 'UUID',
      time: moment,
      event: 'UUID',
      kind: text,
      channel: text,
      topic: text,
      version: 'UInt64',
    },
    key: ['party', 'time', 'event'],
    once: ['event'],
  },
  /** What parties save for, as it was told at a time: the goal is active, reached or abandoned from then on. */
  goal: {
    name: 'goal',
    columns: {
      party: 'UUID',
      goal: 'UUID',
      time: moment,
      kind: text,
      state: text,
      target: money,
      target_date: 'Int32',
      // Only of what was told when the goal was reached.
      reached: 'Bool',
      version: 'UInt64',
    },
    key: ['party', 'goal', 'time'],
    once: ['goal', 'time'],
  },
  /** When the behaviour of parties departed from what was usual for them. */
  behaviourChange: {
    name: 'behaviour_change',
    columns: {
      party: 'UUID',
      behaviour_change: 'UUID',
      measure: text,
      code: text,
      direction: text,
      notice_date: 'Int32',
      version: 'UInt64',
    },
    key: ['party', 'behaviour_change'],
    once: ['behaviour_change'],
  },
  /** Who stands on which static list: from a day to a day, both included; `until_date` 0 is for good. */
  listed: {
    name: 'listed',
    columns: { party: 'UUID', list: text, from_date: 'Int32', until_date: 'Int32', version: 'UInt64' },
    key: ['party', 'list', 'from_date'],
    once: ['list', 'from_date', 'until_date'],
  },
  /**
   * Which group of a scheme (a partition, value tiers, RFM, clusters, look-alikes) a party is in from a day on, until the
   * next row of that scheme. An empty group is none, a score that is not known is NULL.
   */
  assigned: {
    name: 'assigned',
    columns: {
      party: 'UUID',
      scheme: text,
      from_date: 'Int32',
      group: text,
      score: 'Nullable(Float64)',
      version: 'UInt64',
    },
    key: ['party', 'scheme', 'from_date'],
    once: ['scheme', 'from_date', 'version'],
  },
  /** Since when a party is below what keeps it in its tier; 0 when it is not. Only scans for tiers read it. */
  tierWatch: {
    name: 'tier_watch',
    columns: { party: 'UUID', scheme: text, from_date: 'Int32', below_from: 'Int32', version: 'UInt64' },
    key: ['party', 'scheme', 'from_date'],
    once: ['scheme', 'from_date', 'version'],
  },
} as const satisfies Record<string, FactTable>;

/**
 * A merged party and the golden record that it answers as; its own id after an unmerge. The version is the time of the
 * merge in milliseconds. No rule reads it by itself.
 */
export const aliases: FactTable = {
  name: 'party_alias',
  columns: { party: 'UUID', golden: 'UUID', version: 'UInt64' },
  key: ['party'],
  once: [],
};

/** How many members a household has from a time on. It belongs to no party. */
export const households: FactTable = {
  name: 'household',
  columns: { household: 'UUID', change_time: moment, members: 'Int32', version: 'UInt64' },
  key: ['household', 'change_time'],
  once: [],
};

/**
 * Who came into which version of a segment and left it, as our own events told. No rule reads it; flows are counted from
 * it, of few segments at a time, which is why it is ordered by segment.
 */
export const changes: FactTable = {
  name: 'membership_change',
  columns: {
    party: 'UUID',
    segment: text,
    segment_version: 'Int32',
    organisation_path: 'String',
    time: moment,
    entered: 'Bool',
    version: 'UInt64',
  },
  key: ['segment', 'segment_version', 'party', 'time', 'version'],
  once: [],
};

/** The tables whose rows belong to parties. */
export const partyTables: readonly string[] = [...Object.values(tables), aliases, changes].map(({ name }) => name);

/**
 * How long ClickHouse keeps files that it has replaced, in case a crash loses what it wrote since: 45 seconds, by which
 * systems have written it down, and up to 30 until it looks again. By itself it takes eight minutes and up to five.
 */
export const replacedFiles =
  'old_parts_lifetime = 45, cleanup_delay_period = 15, max_cleanup_delay_period = 30, cleanup_delay_period_random_add = 5';

function statementsOf({ name, columns, added = {}, key }: FactTable): string[] {
  const all = Object.entries({ ...columns, ...added }).map(([column, type]) => `\`${column}\` ${type}`);
  const later = Object.entries(added).map(([column, type]) => `ADD COLUMN IF NOT EXISTS \`${column}\` ${type}`);
  return [
    `CREATE TABLE IF NOT EXISTS ${name} (${all.join(', ')})
      ENGINE = ReplacingMergeTree(version) ORDER BY (${key.join(', ')}) SETTINGS ${replacedFiles}`,
    ...(later.length > 0 ? [`ALTER TABLE ${name} ${later.join(', ')}`] : []),
  ];
}

/** The statements that make the tables; harmless when repeated. */
export const factTables: readonly string[] = [...Object.values(tables), aliases, households, changes].flatMap(
  statementsOf,
);
