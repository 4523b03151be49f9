// Fails when a service has an RPC that no Cedar policy permits to anybody, a policy that names an RPC that is not there,
// or a policy that does not parse or fit the facts. Reads the compiled contracts and kit: build first.
import { createRequire } from 'node:module';
import path from 'node:path';
import { root } from './lib/processes.mjs';
import { services } from './lib/suite.mjs';

const require = createRequire(path.join(root, 'package.json'));
const { loadPolicies, uncoveredRpcs } = require('@rapport/kit/rpc');
const { OperationsServiceService: operations } = require('@rapport/proto/operations/v1');

let rpcs = 0;
for (const service of services) {
  const contract = require(`@rapport/proto/${service}/v1`);
  const own = Object.entries(contract).filter(([name]) => name.endsWith('ServiceService'));
  const definitions = [...own.map(([, definition]) => definition), operations];
  const dir = path.join(root, 'services', service, 'policies');
  try {
    if (own.length === 0) throw new Error('its contract has no service');
    for (const rpc of uncoveredRpcs(dir, definitions)) {
      console.error(`${service}: no policy permits ${rpc}`);
      process.exitCode = 1;
    }
    if (uncoveredRpcs(dir, definitions).length === 0) loadPolicies(dir, definitions);
  } catch (error) {
    console.error(`${service}: ${error.message}`);
    process.exitCode = 1;
  }
  rpcs += definitions.reduce((sum, definition) => sum + Object.keys(definition).length, 0);
}
console.log(
  `${rpcs} RPCs of ${services.length} services have their policies${process.exitCode ? ', but for those above' : ''}`,
);
