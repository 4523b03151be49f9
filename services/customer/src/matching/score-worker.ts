import { parentPort, workerData } from 'node:worker_threads';
import { type Ground, type Task, worker } from './work.js';

// The entry of a thread that compares pairs: it is given the shared memory once, and then one task after the other.
const carryOut = worker(workerData as Ground);
parentPort?.on('message', (task: Task) => {
  const done = carryOut(task);
  parentPort?.postMessage(done);
});
