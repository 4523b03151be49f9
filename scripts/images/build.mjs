// Builds the image of every service, or of the named ones, with docker, podman or buildah, whichever is on the PATH.
//
//   npm run images [-- --only customer] [-- --tag 0.1.0] [-- --registry registry.bank.example]
//
// The sources must be built first (npm run build).
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { megabytes, root, services, stage } from './stage.mjs';

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    tag: { type: 'string', default: '0.1.0' },
    registry: { type: 'string', default: 'docker.io' },
  },
});

const runs = (program) => spawnSync(program, ['--version']).status === 0;
const builder = ['docker', 'podman', 'buildah'].find(runs);
if (builder === undefined) {
  console.error('docker, podman or buildah is needed to build images; npm run test:images can do without');
  process.exit(1);
}
const revision = spawnSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8' }).stdout?.trim() || 'unknown';

for (const service of values.only ?? services) {
  const tree = join(root, '.data/images/tree', service);
  const { bytes } = stage({ service, out: tree });
  const image = `${values.registry}/rapport/${service}:${values.tag}`;
  const args = { SERVICE: service, VERSION: values.tag, REVISION: revision };
  const given = Object.entries(args).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]);
  const file = join(root, 'deploy/image/Dockerfile');
  const built = spawnSync(builder, ['build', '--file', file, '--tag', image, ...given, tree], { stdio: 'inherit' });
  if (built.status !== 0) {
    process.exit(built.status ?? 1);
  }
  console.log(`${image}: ${megabytes(bytes)} beside Node`);
}
