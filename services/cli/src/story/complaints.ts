import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'csv-parse';
import type { Bank, PlainDate, Reject } from '../bank/bank.js';
import { isDay } from '../bank/bank.js';
import { pick } from '../bank/synthesis.js';

/** One complaint that becomes a case. */
export interface Complaint {
  readonly sourceKey: string;
  readonly receivedOn: PlainDate;
  /** Case type id. */
  readonly type: string;
  readonly subject: string;
  readonly description: string;
  readonly submittedVia: string;
}

/** Opens the consumer complaints of the CFPB (18 columns, texts over several lines, dates `YYYY/M/D`). */
export async function* readComplaints(file: string, rejects: Reject[]): AsyncGenerator<Complaint> {
  await stat(file).catch(() => {
    throw new Error(`there is no complaints file ${file}; name one with --complaints`);
  });
  const rows = createReadStream(file).pipe(
    parse({
      columns: true,
      bom: true,
      info: true,
      relax_column_count: true,
      skip_records_with_error: true,
      max_record_size: 1_000_000,
    }),
  );
  rows.on('skip', (error: { message: string; lines?: number }) =>
    rejects.push({ file: path.basename(file), line: error.lines ?? 0, field: '', reason: error.message, value: '' }),
  );
  for await (const { info, record } of rows as AsyncIterable<{
    info: { lines: number };
    record: Record<string, string>;
  }>) {
    const reject = (field: string, reason: string) =>
      rejects.push({
        file: path.basename(file),
        line: info.lines,
        field,
        reason,
        value: (record[field] ?? '').slice(0, 200),
      });
    const id = record['Complaint ID'] ?? '';
    if (!/^\d{1,12}$/.test(id)) {
      reject('Complaint ID', 'not a number');
      continue;
    }
    const match = /^(\d{4})\/(\d{1,2})\/(\d{1,2})$/.exec(record['Date received'] ?? '');
    const receivedOn = match && { year: Number(match[1]), month: Number(match[2]), day: Number(match[3]) };
    if (!receivedOn || !isDay(receivedOn)) {
      reject('Date received', 'not a day written YYYY/M/D');
      continue;
    }
    const product = record.Product ?? '';
    yield {
      sourceKey: id,
      receivedOn,
      type: 'complaint',
      subject: [record.Issue, product].filter(Boolean).join(' – ').slice(0, 200) || 'Complaint',
      description: [record['Sub-issue'], record['Consumer complaint narrative']]
        .filter(Boolean)
        .join('\n\n')
        .slice(0, 8_000),
      submittedVia: record['Submitted via'] ?? '',
    };
  }
}

const SUBJECTS = [
  'A card payment was booked twice',
  'The fee of the statement was not explained',
  'A transfer arrived three days late',
  'The branch was closed at the stated hour',
  'The loan offer differed from the advice',
];

/** Complaints for a bank that has no file of them. */
export async function* inventComplaints(bank: Bank, count: number): AsyncGenerator<Complaint> {
  for (let number = 1; number <= count; number += 1) {
    const key = `complaint/${number}`;
    yield {
      sourceKey: key,
      receivedOn: {
        year: 2026,
        month: 3 + pick(`${bank.id}/${key}/month`, 4),
        day: 1 + pick(`${bank.id}/${key}/day`, 28),
      },
      type: 'complaint',
      subject: SUBJECTS[pick(`${bank.id}/${key}`, SUBJECTS.length)] as string,
      description: '',
      submittedVia: pick(`${bank.id}/${key}/way`, 2) === 0 ? 'Phone' : 'Web',
    };
  }
}
