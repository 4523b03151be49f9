import { access } from 'node:fs/promises';
import path from 'node:path';
import type { Bank, HoldingRow, PartyRow, PlainDate, Reject, StaffRow, TransactionRow, UnitRow } from '../bank/bank.js';
import { dayNumber, isDay, slug } from '../bank/bank.js';
import { orderByBalance } from '../bank/chain.js';
import { staffOf } from '../bank/staff.js';
import { synthesisePerson, pick } from '../bank/synthesis.js';
import { BrokenValue, type Row, readTable } from './table.js';

/**
 * The Berka bank (P. Berka, M. Sochorova, "Guide to the financial data set", PKDD'99 Discovery Challenge) as a Bank.
 *
 * Districts, accounts and dispositions (about ten thousand small rows) are held in memory; transactions are streamed a
 * day at a time, so that the complete file of a million rows needs no more memory than the sample.
 */

const CURRENCY = 'CZK';
const FILES = ['district', 'account', 'client', 'disp', 'order', 'loan', 'card', 'trans'] as const;

const FREQUENCY = {
  'POPLATEK MESICNE': 'monthly',
  'POPLATEK TYDNE': 'weekly',
  'POPLATEK PO OBRATU': 'after_transaction',
} as const;
const ROLE = { OWNER: 'owner', DISPONENT: 'authorised_user' } as const;
const LOAN_STATUS = { A: 'finished', B: 'finished_unpaid', C: 'running', D: 'running_in_debt' } as const;
const CARD_TYPE = { classic: 'classic', junior: 'junior', gold: 'gold' } as const;
/** The guide names PRIJEM and VYDAJ; VYBER as a type stands always with a withdrawal in cash. */
const DIRECTION = { PRIJEM: 'credit', VYDAJ: 'debit', VYBER: 'debit' } as const;
const OPERATION = {
  VKLAD: 'deposit',
  VYBER: 'withdrawal',
  'VYBER KARTOU': 'card',
  'PREVOD Z UCTU': 'transfer',
  'PREVOD NA UCET': 'transfer',
  '': 'interest',
} as const;
const PURPOSE = {
  SIPO: 'household_payment',
  POJISTNE: 'insurance_payment',
  UVER: 'loan_payment',
  LEASING: 'leasing_payment',
  SLUZBY: 'statement_fee',
  UROK: 'interest_credited',
  'SANKC. UROK': 'penalty_interest',
  DUCHOD: 'pension',
  '': '',
} as const;

interface District {
  readonly id: number;
  readonly name: string;
  readonly region: string;
}

interface Branch {
  readonly id: string;
  readonly organisationPath: string;
}

interface Disposition {
  readonly client: number;
  readonly account: number;
  readonly role: 'owner' | 'authorised_user';
}

const bank = 'berka';

/** `YYMMDD` for men, `YY(MM+50)DD` for women, the century always 19. */
export function readBirthNumber(row: Row): { birthDate: PlainDate; sex: 'male' | 'female' } {
  const text = row.text('birth_number');
  const match = /^(\d{2})(\d{2})(\d{2})$/.exec(text);
  if (!match) throw new BrokenValue('birth_number', 'not six digits', text);
  const month = Number(match[2]);
  const birthDate = { year: 1900 + Number(match[1]), month: month > 50 ? month - 50 : month, day: Number(match[3]) };
  if (!isDay(birthDate)) throw new BrokenValue('birth_number', 'no day of the calendar', text);
  return { birthDate, sex: month > 50 ? 'female' : 'male' };
}

/**
 * Opens the folder with the eight `.asc` files.
 * Throws an Error that names the missing files when the folder is not a Berka folder.
 */
export async function openBerka(folder: string): Promise<Bank> {
  const missing: string[] = [];
  for (const name of FILES) {
    await access(path.join(folder, `${name}.asc`)).catch(() => missing.push(`${name}.asc`));
  }
  if (missing.length > 0) throw new Error(`${folder} is no Berka folder: it lacks ${missing.join(', ')}`);

  const rejects: Reject[] = [];
  const districts = new Map<number, District>();
  for await (const row of readTable(folder, 'district.asc', ['A1', 'A2', 'A3'], rejects, (row) => ({
    id: row.key('A1'),
    name: row.text('A2'),
    region: row.text('A3'),
  }))) {
    districts.set(row.id, row);
  }
  const branchOf = (district: District): Branch => ({
    id: `${bank}-d${district.id}`,
    organisationPath: `/${bank}/${slug(district.region)}/d${district.id}`,
  });
  const known = (row: Row, column: string): District => {
    const district = districts.get(row.key(column));
    if (!district) throw new BrokenValue(column, 'no such district', row.text(column));
    return district;
  };

  const accounts = new Map<number, Branch>();
  const accountColumns = ['account_id', 'district_id', 'frequency', 'date'];
  for await (const account of readTable(folder, 'account.asc', accountColumns, [], (row) => ({
    id: row.key('account_id'),
    branch: branchOf(known(row, 'district_id')),
  }))) {
    accounts.set(account.id, account.branch);
  }

  const dispositions = new Map<number, Disposition>();
  const byClient = new Map<number, Disposition>();
  const byAccount = new Map<number, Disposition[]>();
  for await (const [id, disposition] of readTable(
    folder,
    'disp.asc',
    ['disp_id', 'client_id', 'account_id', 'type'],
    rejects,
    (row): [number, Disposition] => {
      const account = row.key('account_id');
      if (!accounts.has(account)) throw new BrokenValue('account_id', 'no such account', String(account));
      return [row.key('disp_id'), { client: row.key('client_id'), account, role: row.code('type', ROLE) }];
    },
  )) {
    dispositions.set(id, disposition);
    if (!byClient.has(disposition.client)) byClient.set(disposition.client, disposition);
    byAccount.set(disposition.account, [...(byAccount.get(disposition.account) ?? []), disposition]);
  }

  const units = unitsOf([...districts.values()], branchOf);
  const staff = staffOf(bank, units);
  const managers = new Map<string, StaffRow[]>();
  for (const person of staff) {
    if (person.roles.includes('relationship_manager'))
      managers.set(person.unit, [...(managers.get(person.unit) ?? []), person]);
  }

  const ownersOf = (account: number, field: string): HoldingRow['owners'] => {
    const owners = (byAccount.get(account) ?? []).map((entry) => ({
      partyKey: `client/${entry.client}`,
      role: entry.role,
    }));
    if (owners.length === 0) throw new BrokenValue(field, 'no client has this account', String(account));
    return owners;
  };
  const onlyOwners = (account: number, field: string): HoldingRow['owners'] =>
    ownersOf(account, field).filter((entry) => entry.role === 'owner');

  async function* parties(): AsyncGenerator<PartyRow> {
    yield* readTable(folder, 'client.asc', ['client_id', 'birth_number', 'district_id'], rejects, (row): PartyRow => {
      const id = row.key('client_id');
      const home = known(row, 'district_id');
      const { birthDate, sex } = readBirthNumber(row);
      const disposition = byClient.get(id);
      const branch = (disposition && accounts.get(disposition.account)) ?? branchOf(home);
      const person = synthesisePerson(bank, `client/${id}`, id, sex);
      const candidates = managers.get(branch.id) ?? [];
      return {
        ...person,
        file: row.file,
        line: row.line,
        sourceKey: `client/${id}`,
        sex,
        birthDate,
        region: home.region,
        district: home.name,
        branch: branch.id,
        organisationPath: branch.organisationPath,
        relationshipManager: candidates[pick(`${bank}/client/${id}/manager`, Math.max(1, candidates.length))]?.id ?? '',
        city: home.name,
        country: 'CZ',
        timeZone: 'Europe/Prague',
      };
    });
  }

  async function* holdings(): AsyncGenerator<HoldingRow> {
    const common = (row: Row) => ({ file: row.file, line: row.line, currency: CURRENCY });
    yield* readTable(folder, 'account.asc', accountColumns, rejects, (row): HoldingRow => {
      known(row, 'district_id');
      const id = row.key('account_id');
      return {
        ...common(row),
        sourceKey: `account/${id}`,
        kind: 'account',
        openedOn: row.day('date'),
        owners: ownersOf(id, 'account_id'),
        account: { statementFrequency: row.code('frequency', FREQUENCY) },
      };
    });
    const loanColumns = ['loan_id', 'account_id', 'date', 'amount', 'duration', 'payments', 'status'];
    yield* readTable(
      folder,
      'loan.asc',
      loanColumns,
      rejects,
      (row): HoldingRow => ({
        ...common(row),
        sourceKey: `loan/${row.key('loan_id')}`,
        kind: 'loan',
        openedOn: row.day('date'),
        owners: onlyOwners(row.key('account_id'), 'account_id'),
        loan: {
          amountMinor: row.minor('amount'),
          durationMonths: row.key('duration'),
          paymentMinor: row.minor('payments'),
          status: row.code('status', LOAN_STATUS),
        },
      }),
    );
    yield* readTable(folder, 'card.asc', ['card_id', 'disp_id', 'type', 'issued'], rejects, (row): HoldingRow => {
      const disposition = dispositions.get(row.key('disp_id'));
      if (!disposition) throw new BrokenValue('disp_id', 'no such disposition', row.text('disp_id'));
      return {
        ...common(row),
        sourceKey: `card/${row.key('card_id')}`,
        kind: 'card',
        openedOn: row.day('issued'),
        owners: [{ partyKey: `client/${disposition.client}`, role: disposition.role }],
        card: { type: row.code('type', CARD_TYPE) },
      };
    });
    const orderColumns = ['order_id', 'account_id', 'bank_to', 'account_to', 'amount', 'k_symbol'];
    yield* readTable(
      folder,
      'order.asc',
      orderColumns,
      rejects,
      (row): HoldingRow => ({
        ...common(row),
        sourceKey: `order/${row.key('order_id')}`,
        kind: 'standing_order',
        owners: onlyOwners(row.key('account_id'), 'account_id'),
        standingOrder: {
          amountMinor: row.minor('amount'),
          counterpartyAccount: row.text('account_to'),
          counterpartyBank: row.text('bank_to'),
          purpose: row.code('k_symbol', PURPOSE),
        },
      }),
    );
  }

  return {
    id: bank,
    title: 'Berka bank',
    currency: CURRENCY,
    timeZone: 'Europe/Prague',
    asOf: { year: 1994, month: 3, day: 31 },
    units,
    staff,
    rejects,
    parties,
    holdings,
    transactions: () => transactions(folder, accounts, rejects),
  };
}

function unitsOf(districts: readonly District[], branchOf: (district: District) => Branch): UnitRow[] {
  const regions = [...new Set(districts.map((district) => district.region))];
  return [
    { id: bank, title: 'Berka bank', kind: 'bank', organisationPath: `/${bank}` },
    ...regions.map(
      (region): UnitRow => ({
        id: `${bank}-${slug(region)}`,
        title: region,
        kind: 'region',
        parent: bank,
        organisationPath: `/${bank}/${slug(region)}`,
      }),
    ),
    ...districts.map(
      (district): UnitRow => ({
        ...branchOf(district),
        title: district.name,
        kind: 'branch',
        parent: `${bank}-${slug(district.region)}`,
      }),
    ),
  ];
}

type UnorderedTransaction = Omit<TransactionRow, 'sequence'> & { readonly signedMinor: bigint };

function readTransaction(row: Row, accounts: ReadonlyMap<number, Branch>): UnorderedTransaction {
  const account = row.key('account_id');
  if (!accounts.has(account)) throw new BrokenValue('account_id', 'no such account', String(account));
  const direction = row.code('type', DIRECTION);
  const amountMinor = row.minor('amount');
  if (amountMinor <= 0n) throw new BrokenValue('amount', 'must be above zero', row.text('amount'));
  const purpose = row.code('k_symbol', PURPOSE);
  const operation = row.code('operation', OPERATION);
  const partner = row.text('account');
  return {
    file: row.file,
    line: row.line,
    sourceKey: `trans/${row.key('trans_id')}`,
    holdingKey: `account/${account}`,
    direction,
    amountMinor,
    signedMinor: direction === 'credit' ? amountMinor : -amountMinor,
    balanceAfterMinor: row.minor('balance'),
    currency: CURRENCY,
    bookedOn: row.day('date'),
    kind: purpose === 'statement_fee' ? 'fee' : purpose === 'penalty_interest' ? 'penalty' : operation,
    purpose,
    counterpartyAccount: partner === '0' ? '' : partner,
    counterpartyBank: row.text('bank'),
  };
}

/** The file is sorted by day: one day is held at a time and each account's rows are put into the order of balances. */
async function* transactions(
  folder: string,
  accounts: ReadonlyMap<number, Branch>,
  rejects: Reject[],
): AsyncGenerator<TransactionRow> {
  const balances = new Map<string, bigint>();
  let day = 0;
  let pending = new Map<string, UnorderedTransaction[]>();

  function* release(): Generator<TransactionRow> {
    for (const [holding, rows] of pending) {
      const ordered = orderByBalance(rows, balances.get(holding)).rows;
      let sequence = 0;
      for (const { signedMinor: _, ...row } of ordered) {
        sequence += 1;
        balances.set(holding, row.balanceAfterMinor);
        yield { ...row, sequence };
      }
    }
    pending = new Map();
  }

  const columns = [
    'trans_id',
    'account_id',
    'date',
    'type',
    'operation',
    'amount',
    'balance',
    'k_symbol',
    'bank',
    'account',
  ];
  for await (const row of readTable(folder, 'trans.asc', columns, rejects, (row) => readTransaction(row, accounts))) {
    if (dayNumber(row.bookedOn) !== day) {
      yield* release();
      day = dayNumber(row.bookedOn);
    }
    pending.set(row.holdingKey, [...(pending.get(row.holdingKey) ?? []), row]);
  }
  yield* release();
}
