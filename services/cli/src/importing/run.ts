import { type Import, ImportKind, type ImportRow, ImportState } from '@rapport/proto/customer/v1';
import { stableId } from '../bank/stable-id.js';
import type { Clients } from '../clients.js';
import { print, table } from '../output.js';
import { openProgress } from '../progress.js';
import { OperatorError } from '../suite.js';
import { saveRejects } from './rejects.js';
import { send } from './send.js';

/** What every import of the command line takes. */
export interface ImportFlags {
  readonly source: string;
  readonly path: string;
  readonly importId?: string;
  /** Goes on with an import that was cancelled. */
  readonly resume?: boolean;
  readonly rejects?: string;
  readonly json?: boolean;
}

/** One file on its way into the bank. */
export interface ImportJob {
  /** The name of the file in reject lists. */
  readonly file: string;
  readonly kind: ImportKind;
  /** Says which import it is, beside source, path and kind: other words are another import. */
  readonly words: readonly string[];
  /** How many rows there are, where it is known. */
  readonly total?: number;
  readonly rows: () => AsyncIterable<ImportRow>;
}

const EVERY_MS = 1_000;

/** Throws an OperatorError for flags that the service would refuse. */
export function checkFlags(flags: ImportFlags): void {
  if (!/^[a-z][a-z0-9_]{0,39}$/.test(flags.source)) {
    throw new OperatorError('--source must be a lower-case word of at most 40 characters, such as core');
  }
  if (!/^(\/|(\/[a-z0-9_-]+)+)$/.test(flags.path)) {
    throw new OperatorError('--path must be an organisation path, such as /bank/branch-1');
  }
  if (flags.importId !== undefined && !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(flags.importId)) {
    throw new OperatorError('--import-id must be a UUID');
  }
}

/**
 * Brings one file into the bank and shows how far it is. The import's id follows from what is imported, so that the same
 * command goes on where it was killed, and changes nothing once it is complete. Gives the import as it ended.
 */
export async function runImport(clients: Clients, flags: ImportFlags, job: ImportJob): Promise<Import> {
  const { source, path } = flags;
  const importId = flags.importId ?? stableId('import', source, path, job.kind, ...job.words);
  const name = `imports/${importId}`;
  const progress = openProgress(flags.json === true && !process.stderr.isTTY);
  progress.note(`${job.file}: ${name}`);
  const step = progress.step(`Import of ${job.file}`, job.total ?? 0);
  let shown = 0;
  let asking = false;
  const watching = setInterval(() => {
    // One question at a time: a busy service is not asked the more for being slow.
    if (asking) return;
    asking = true;
    clients.customer.getImport({ name }, { timeoutMs: 5_000 }).then(
      (answer) => {
        const { taken, rejected } = totals(answer.import);
        step.advance(Math.max(0, taken + rejected - shown));
        shown = Math.max(shown, taken + rejected);
        step.say(`${taken} taken, ${rejected} rejected`);
        asking = false;
      },
      // It is asked again in a second; the import itself says what is wrong.
      () => {
        asking = false;
      },
    );
  }, EVERY_MS);
  try {
    const done = await send(clients, {
      header: {
        importId,
        source,
        organisationPath: path,
        file: job.file.slice(0, 200),
        kind: job.kind,
        resume: flags.resume,
      },
      rows: job.rows,
      onRetry: (reason) => progress.note(`${job.file}: ${reason} Trying again.`),
    });
    const { taken, rejected } = totals(done);
    step.done(`${taken} taken, ${rejected} rejected`);
    if (flags.rejects !== undefined && rejected > 0) await saveRejects(clients, name, flags.rejects);
    return done;
  } finally {
    clearInterval(watching);
  }
}

/** How many rows were taken, whether they changed anything or not, and how many refused. */
export function totals(of: Import | undefined): { taken: number; rejected: number } {
  let taken = 0n;
  let rejected = 0n;
  for (const count of of?.counts ?? []) {
    taken += count.created + count.updated + count.unchanged;
    rejected += count.rejected;
  }
  return { taken: Number(taken), rejected: Number(rejected) };
}

/** The word of an enum value: `IMPORT_STATE_COMPLETED` is `completed`. */
export const wordOf = (names: Readonly<Record<number, string>>, value: number, prefix: string): string =>
  (names[value] ?? '').replace(prefix, '').toLowerCase();

/** An import as `--json` prints it. */
export function importJson(of: Import): object {
  return {
    import: of.name,
    file: of.file,
    source: of.source,
    state: wordOf(ImportState, of.state, 'IMPORT_STATE_'),
    counts: Object.fromEntries(
      of.counts.map(({ kind, created, updated, unchanged, rejected }) => [
        wordOf(ImportKind, kind, 'IMPORT_KIND_'),
        { created, updated, unchanged, rejected },
      ]),
    ),
  };
}

/** Prints how imports ended. */
export function printImports(
  flags: { json?: boolean; rejects?: string },
  imports: readonly Import[],
  more: object = {},
): void {
  const shape =
    imports.length === 1
      ? { ...importJson(imports[0] as Import), ...more }
      : { imports: imports.map(importJson), ...more };
  print(flags.json === true, shape, function* () {
    yield* table(
      ['import', 'file', 'state', 'rows', 'created', 'updated', 'unchanged', 'rejected'],
      imports.flatMap((one) =>
        one.counts.map(({ kind, created, updated, unchanged, rejected }) => [
          one.name,
          one.file,
          wordOf(ImportState, one.state, 'IMPORT_STATE_'),
          wordOf(ImportKind, kind, 'IMPORT_KIND_'),
          ...[created, updated, unchanged, rejected].map(String),
        ]),
      ),
    );
    const refused = imports.filter((one) => totals(one).rejected > 0);
    for (const one of refused) {
      yield flags.rejects
        ? `Rejected rows stand in ${flags.rejects}.`
        : `Rejected rows: rapport import rejects ${one.name}`;
    }
  });
}
