// Before all tests of a run: one real Postgres, the binary of nats-server, and keys. The addresses go to a file that
// the workers find by RAPPORT_TEST_RUN.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { writeKeys } from '../../scripts/lib/keys.mjs';
import { findNatsServer } from '../../scripts/lib/nats.mjs';
import { startPostgres } from '../../scripts/lib/postgres.mjs';
import { root } from '../../scripts/lib/processes.mjs';
import { createRunFolder, recordProcess, removeRunFolder, removeStaleRunFolders } from './run-folder.mjs';

export default async function globalSetup() {
  await removeStaleRunFolders();
  const dir = createRunFolder();
  try {
    const natsServer = findNatsServer({ say: (line) => process.stderr.write(`${line}\n`) });
    writeKeys(path.join(dir, 'keys'));
    const postgres = await startPostgres({
      dir: path.join(dir, 'postgres'),
      log: path.join(dir, 'postgres.log'),
      sync: false,
      settings: {
        max_connections: '300',
        shared_buffers: '64MB',
        max_wal_size: '256MB',
        wal_level: 'minimal',
        max_wal_senders: '0',
      },
    });
    recordProcess(dir, 'postgres', postgres, 'SIGINT');
    const run = { root, dir, natsServer, postgres: { url: postgres.url, port: postgres.port, pid: postgres.pid } };
    writeFileSync(path.join(dir, 'run.json'), JSON.stringify(run, null, 2));
    process.env.RAPPORT_TEST_RUN = path.join(dir, 'run.json');
  } catch (error) {
    await removeRunFolder(dir); // jest calls no teardown when the setup failed
    throw error;
  }
}
