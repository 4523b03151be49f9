import path from 'node:path';
import { removeRunFolder } from './run-folder.mjs';

export default async function globalTeardown() {
  const run = process.env.RAPPORT_TEST_RUN;
  if (run) await removeRunFolder(path.dirname(run));
}
