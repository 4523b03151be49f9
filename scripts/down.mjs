// Stops what ./scripts/up started, also when its supervisor was killed. Touches only processes that up recorded and
// that are still the same ones.
import { isRunning, stopProcess } from './lib/processes.mjs';
import { readState, writeState } from './lib/suite.mjs';
import { stopAll } from './lib/supervisor.mjs';

const state = readState();
const supervised = state.supervisor !== undefined && isRunning(state.supervisor);
// The supervisor stops the others in order; it gets as long as all their patience together.
if (supervised) await stopProcess(state.supervisor, { signal: 'SIGTERM', waitMs: 90_000 });
const { processes = {}, ...rest } = readState();
const left = await stopAll(processes);
if (state.ports) writeState({ ...rest, processes: {}, supervisor: undefined, ready: false });
if (supervised) console.log('Rapport is stopped; its data stays.');
else console.log(left.length > 0 ? `stopped what was left: ${left.join(', ')}` : 'nothing was running');
