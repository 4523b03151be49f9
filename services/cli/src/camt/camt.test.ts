import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, open, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ImportRow } from '@rapport/proto/customer/v1';
import { decoded } from '../importing/decode.js';
import { transactionsOf } from './rows.js';
import { type BalanceCheck, type CamtPart, readStatements } from './statement.js';

const samples = path.resolve(__dirname, '../../../../../shared/data/iso20022');
const sample = (name: string) => readFileSync(path.join(samples, name), 'utf8');

async function* pieces(text: string, size = 97): AsyncGenerator<string> {
  for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size);
}
async function partsIn(text: string): Promise<CamtPart[]> {
  const parts: CamtPart[] = [];
  for await (const part of readStatements(pieces(text), 'a.xml')) parts.push(part);
  return parts;
}
async function rowsIn(text: string): Promise<ImportRow[]> {
  const rows: ImportRow[] = [];
  for await (const row of transactionsOf(readStatements(pieces(text), 'a.xml'), (account) => account)) rows.push(row);
  return rows;
}
const checks = (parts: CamtPart[]): BalanceCheck[] => parts.flatMap((part) => (part.is === 'end' ? [part.check] : []));
const transactionIn = (row: ImportRow | undefined) => (row?.row?.$case === 'transaction' ? row.row.value : undefined);

const namespace = (version: string) => `urn:iso:std:iso:20022:tech:xsd:camt.053.001.${version}`;
const document = (
  entries: string,
  { version = '08', closing = '100.00', head = '' } = {},
) => `<?xml version="1.0"?>${head}
<Document xmlns="${namespace(version)}"><BkToCstmrStmt><GrpHdr><MsgId>M1</MsgId><CreDtTm>2024-01-03T00:00:00Z</CreDtTm></GrpHdr>
<Stmt><Id>S1</Id><CreDtTm>2024-01-03T00:00:00Z</CreDtTm><Acct><Id><IBAN>NL26VAYB8060476890</IBAN></Id><Ccy>EUR</Ccy></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">100.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2024-01-01</Dt></Dt></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">${closing}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2024-01-02</Dt></Dt></Bal>
${entries}</Stmt></BkToCstmrStmt></Document>`;
const entry = (amount: string, indicator: string, more = '', status = '<Sts><Cd>BOOK</Cd></Sts>') =>
  `<Ntry><Amt Ccy="EUR">${amount}</Amt><CdtDbtInd>${indicator}</CdtDbtInd>${status}<BookgDt><Dt>2024-01-02</Dt></BookgDt>${more}</Ntry>`;
const code = (domain: string, family: string, sub: string) =>
  `<BkTxCd><Domn><Cd>${domain}</Cd><Fmly><Cd>${family}</Cd><SubFmlyCd>${sub}</SubFmlyCd></Fmly></Domn></BkTxCd>`;

describe('the samples', () => {
  it.each([
    ['camt053.v2.minimal.xml', [['253EURNL26VAYB8060476890', 'cannot_tell']]],
    ['camt053.v2.all-balance-types.xml', [['CAMT0532015012200001', 'differs']]],
    ['camt053.v4.xml', [['253EURNL26VAYB8060476890', 'cannot_tell']]],
    ['camt053.v8.xml', [['253EURNL26VAYB8060476890', 'cannot_tell']]],
    [
      'camt053.v2.multi.statement.xml',
      [
        ['253EURNL26VAYB8060476890', 'closes'],
        ['254EURNL26VAYB8060476890', 'closes'],
      ],
    ],
  ])('%s is read, and its balances are judged', async (name, expected) => {
    const parts = await partsIn(sample(name));
    const found = checks(parts);
    expect(found.map(({ statement, outcome }) => [statement, outcome])).toEqual(expected);
    for (const check of found) {
      expect(check.account).toMatch(/^(NL26VAYB8060476890|CH2801234000123456789)$/);
      expect(check.passedOver).toBe(0);
      expect(check.entries).toBeGreaterThan(0);
    }
    expect(parts.filter(({ is }) => is === 'unread')).toEqual([]);
  });

  it('camt053.v8.xml becomes a transaction with its day, its moment and the other side', async () => {
    const [row] = await rowsIn(sample('camt053.v8.xml'));
    expect(transactionIn(row)).toMatchObject({
      sourceKey: 'camt/NL26VAYB8060476890/AAAASESS-FP-CN_98765/01/0',
      holdingSourceKey: 'NL26VAYB8060476890',
      transaction: {
        direction: 1,
        amount: { minorUnits: 885n, currencyCode: 'EUR' },
        operation: 4,
        bookingDate: { year: 2014, month: 12, day: 31 },
        bookingTime: new Date('2014-12-31T12:15:00Z'),
        counterparty: { account: 'NL56AGDH9619008421', bank: '', name: 'NAME NAME' },
        valueDate: { year: 2015, month: 1, day: 2 },
      },
    });
  });

  it('camt053.v2.wrong.xml is refused with the reason', async () => {
    await expect(partsIn(sample('camt053.v2.wrong.xml'))).rejects.toThrow(
      'a.xml:8: BkToCstmrStmt holds no Stmt: camt.053.001.02 demands at least one statement',
    );
  });
});

describe('an entry', () => {
  it('is taken when it is booked; pending ones are passed over and counted', async () => {
    const parts = await partsIn(
      document(
        entry('5.00', 'CRDT') +
          entry('7.00', 'CRDT', '', '<Sts><Cd>PDNG</Cd></Sts>') +
          entry('2.00', 'DBIT', '', '<Sts>BOOK</Sts>'),
        { closing: '103.00' },
      ),
    );
    expect(parts.filter(({ is }) => is === 'movement')).toHaveLength(2);
    expect(checks(parts)).toMatchObject([{ entries: 3, passedOver: 1, outcome: 'closes' }]);
  });

  it('that does not lead to the closing balance is found', async () => {
    expect(checks(await partsIn(document(entry('5.00', 'CRDT'))))).toMatchObject([
      { outcome: 'differs', gapMinor: -500n },
    ]);
  });

  it('of a batch becomes its transactions where they add up, else one', async () => {
    const detail = (amount: string, account: string) =>
      `<TxDtls><Refs><AcctSvcrRef>R${amount}</AcctSvcrRef></Refs><Amt Ccy="EUR">${amount}</Amt><CdtDbtInd>DBIT</CdtDbtInd><RltdPties><CdtrAcct><Id><IBAN>${account}</IBAN></Id></CdtrAcct></RltdPties><RltdAgts><CdtrAgt><FinInstnId><BICFI>ABCDNL2A</BICFI></FinInstnId></CdtrAgt></RltdAgts><Purp><Cd>SALA</Cd></Purp></TxDtls>`;
    const batch = (second: string) =>
      entry('10.00', 'DBIT', `<NtryDtls>${detail('4.00', 'A')}${detail(second, 'B')}</NtryDtls>`);
    const rows = await rowsIn(document(batch('6.00'), { closing: '90.00' }));
    expect(rows.map(transactionIn)).toMatchObject([
      {
        sourceKey: 'camt/NL26VAYB8060476890/R4.00/1',
        transaction: {
          amount: { minorUnits: 400n },
          direction: 2,
          purpose: 'salary',
          counterparty: { account: 'A', bank: 'ABCDNL2A' },
        },
      },
      {
        sourceKey: 'camt/NL26VAYB8060476890/R6.00/2',
        transaction: { amount: { minorUnits: 600n }, counterparty: { account: 'B' } },
      },
    ]);
    const whole = await rowsIn(document(batch('5.00')));
    expect(whole.map(transactionIn)).toMatchObject([
      { sourceKey: 'camt/NL26VAYB8060476890/S1/1/0', transaction: { amount: { minorUnits: 1000n } } },
    ]);
  });

  it.each([
    ['PMNT', 'CCRD', 'POSD', 'DBIT', { operation: 10, channel: 3 }],
    ['PMNT', 'CCRD', 'CWDL', 'DBIT', { operation: 3, channel: 2 }],
    ['PMNT', 'CNTR', 'CDPT', 'CRDT', { operation: 1, channel: 1 }],
    ['PMNT', 'RDDT', 'ESDD', 'DBIT', { operation: 5, channel: 8 }],
    ['PMNT', 'ICDT', 'STDO', 'DBIT', { operation: 5 }],
    ['ACMT', 'MDOP', 'CHRG', 'DBIT', { operation: 7, channel: 8 }],
    ['ACMT', 'MCOP', 'INTR', 'CRDT', { operation: 6, channel: 8 }],
    ['LDAS', 'FTLN', 'PPAY', 'DBIT', { operation: 12 }],
    ['LDAS', 'FTLN', 'DDWN', 'CRDT', { operation: 11 }],
    ['', '', '', 'DBIT', { operation: 8 }],
  ])('with the code %s %s %s (%s) is of its kind', async (domain, family, sub, indicator, expected) => {
    const [row] = await rowsIn(document(entry('1.00', indicator, domain === '' ? '' : code(domain, family, sub))));
    expect(transactionIn(row)?.transaction).toMatchObject(expected);
  });

  it('that cannot be read is rejected with line, field, reason and value, and the next one is read', async () => {
    const rows = await rowsIn(
      document(
        `${entry('1.005', 'CRDT')}\n${entry('abc', 'CRDT')}\n<Ntry><Amt>1</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts></Ntry>\n${entry('1.00', 'UP')}\n<Ntry><Amt Ccy="EUR">1</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2024-02-30</Dt></BookgDt></Ntry>\n${entry('1.00', 'CRDT')}`,
      ),
    );
    expect(
      rows.map(({ line, row }) =>
        row?.$case === 'unreadable'
          ? [Number(line), row.value.field, row.value.reason, row.value.originalValue]
          : [Number(line)],
      ),
    ).toEqual([
      [6, 'Amt', 'AMOUNT_TOO_FINE', '1.005 EUR'],
      [7, 'Amt', 'AMOUNT_INVALID', 'abc EUR'],
      [8, 'Amt', 'CURRENCY_INVALID', '1'],
      [9, 'CdtDbtInd', 'INDICATOR_INVALID', 'UP'],
      [10, 'BookgDt', 'DATE_INVALID', '2024-02-30'],
      [11],
    ]);
  });

  it('that is a reversal says so, and two under one reference are told apart', async () => {
    const reference = '<AcctSvcrRef>R1</AcctSvcrRef>';
    const rows = await rowsIn(
      document(
        entry('1.00', 'DBIT', reference) +
          entry('1.00', 'DBIT', reference) +
          entry('1.00', 'CRDT', `<RvslInd>true</RvslInd>${reference}`),
      ),
    );
    expect(rows.map((row) => transactionIn(row)?.sourceKey.split('/').slice(2).join('/'))).toEqual([
      'R1/0',
      'R1/0#2',
      'R1/reversal/0',
    ]);
    expect(transactionIn(rows[2])?.transaction).toMatchObject({ direction: 1, purpose: 'reversal' });
  });

  it('is read under every version and any prefix', async () => {
    for (const version of ['02', '03', '04', '05', '08', '13']) {
      expect(await rowsIn(document(entry('1.00', 'CRDT'), { version }))).toHaveLength(1);
    }
    const prefixed = document(entry('1.00', 'CRDT'))
      .replaceAll('<', '<n:')
      .replaceAll('<n:/', '</n:')
      .replace('<n:?', '<?')
      .replace('xmlns=', 'xmlns:n=');
    expect(await rowsIn(prefixed)).toHaveLength(1);
  });
});

describe('what is refused', () => {
  const bomb = '<!DOCTYPE Document [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>';
  it.each([
    ['a document type', document('', { head: bomb }), /a\.xml:1:\d+: a document type declaration is not taken/],
    ['an entity that nobody declared', document(entry('&a;', 'CRDT')), /a\.xml:6:\d+: not well-formed/],
    ['what is not well-formed', document('<Ntry>'), /not well-formed/],
    ['what ends too early', document(entry('1.00', 'CRDT')).slice(0, -40), /not well-formed/],
    ['another document', '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.03"/>', /no camt\.053/],
    ['a version that is not known', document('', { version: '99' }), /camt\.053\.001\.99 is not known/],
    ['a statement without an account', document('').replace(/<Acct>.*<\/Acct>/, ''), /statement S1 lacks the account/],
    ['a statement without balances', document('').replaceAll(/<Bal>.*<\/Bal>/g, ''), /statement S1 lacks Bal/],
    ['a statement without a heading', document('').replace(/<GrpHdr>.*<\/GrpHdr>/, ''), /lacks GrpHdr/],
    ['elements too deep', document('<a>'.repeat(80)), /more than 64 deep/],
    ['names too long', document(`<${'a'.repeat(200)}/>`), /a name has more than 128/],
    ['texts too long', document(entry('1'.repeat(70_000), 'CRDT')), /a text has more than 65536/],
    ['a comment without an end', document(`<!--${'x'.repeat(3_000_000)}`), /more than a megabyte/],
  ])('%s', async (_what, text, why) => {
    const read = async () => {
      for await (const _part of readStatements(pieces(text, 65_536), 'a.xml'));
    };
    await expect(read()).rejects.toThrow(why);
  });
});

describe('a big file', () => {
  it('is read in little memory', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'rapport-camt-'));
    const file = path.join(folder, 'big.xml');
    const [head = '', tail = ''] = document('@', { closing: '100.00' }).split('@');
    const filler = `<AddtlNtryInf>${'x'.repeat(300)}</AddtlNtryInf>`;
    const block = Array.from({ length: 1_000 }, (_none, index) =>
      entry('1.00', index % 2 === 0 ? 'CRDT' : 'DBIT', filler),
    ).join('\n');
    const blocks = 450;
    const handle = await open(file, 'w');
    await handle.write(head);
    for (let index = 0; index < blocks; index += 1) await handle.write(block);
    await handle.write(tail);
    expect((await handle.stat()).size).toBeGreaterThan(200_000_000);
    await handle.close();
    // A process of its own, whose memory is nobody else's.
    const script = path.join(folder, 'read.cjs');
    const dist = path.resolve(__dirname, '../../dist');
    await writeFile(
      script,
      `const { readStatements } = require(${JSON.stringify(`${dist}/camt/statement.js`)});
const { decoded } = require(${JSON.stringify(`${dist}/importing/decode.js`)});
(async () => {
  let movements = 0, outcome = '', most = 0;
  for await (const part of readStatements(decoded(${JSON.stringify(file)}, 'utf-8'), 'big.xml')) {
    if (part.is === 'movement' && ++movements % 20000 === 0) most = Math.max(most, process.memoryUsage().rss);
    if (part.is === 'end') outcome = part.check.outcome;
  }
  console.log(JSON.stringify({ movements, outcome, most: Math.round(most / 1048576) }));
})();`,
    );
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    for await (const chunk of child.stdout) said += String(chunk);
    const read = JSON.parse(said) as { movements: number; outcome: string; most: number };
    expect(read).toMatchObject({ movements: 450_000, outcome: 'closes' });
    expect(read.most).toBeLessThan(250);
    process.stderr.write(`camt.053 of 200 MB: ${JSON.stringify(read)}\n`);
  }, 180_000);

  it('is decoded by its bytes', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'rapport-camt-'));
    const file = path.join(folder, 'utf16.xml');
    await writeFile(file, Buffer.from(`\uFEFF${document(entry('1.00', 'CRDT'))}`, 'utf16le'));
    const parts: CamtPart[] = [];
    for await (const part of readStatements(decoded(file, 'utf-8'), 'a.xml')) parts.push(part);
    expect(parts).toHaveLength(3);
  });
});
