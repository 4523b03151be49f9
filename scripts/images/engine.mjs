// Builds and runs images with buildah and podman, without a Docker daemon and without a registry. Everything they keep
// lies under .data/images; nothing of the machine's own container storage is touched.
import { spawn, spawnSync } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  constants,
  copyFileSync,
  mkdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { root } from './stage.mjs';

export const home = join(root, '.data/images');
const baseImage = 'docker.io/library/debian:bookworm-slim';
const nodeImage = 'docker.io/library/node:24-bookworm-slim';
const packages = { buildah: 'buildah', podman: 'podman', runc: 'runc', debootstrap: 'debootstrap' };
const storage = ['--root', join(home, 'storage'), '--runroot', join(home, 'run'), '--storage-driver=vfs'];

const onPath = (name) =>
  [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'].some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

/**
 * Makes sure that buildah, podman, runc and debootstrap are there, installing Debian's packages as root where missing.
 * Throws one clear line when that is not possible.
 */
export function requireEngine(say) {
  const missing = () => Object.keys(packages).filter((program) => !onPath(program));
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    throw new Error('images are tested as root on Linux, because they are built and limited without a Docker daemon');
  }
  const wanted = missing();
  if (wanted.length === 0) {
    return;
  }
  if (!onPath('apt-get')) {
    throw new Error(`${wanted.join(', ')} missing: install them with this system's package manager`);
  }
  say(`installing ${wanted.join(', ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = () =>
    spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...wanted.map((name) => packages[name])], {
      env,
    });
  if (install().status !== 0) {
    spawnSync('apt-get', ['update', '-qq'], { env });
    install();
  }
  if (missing().length > 0) {
    throw new Error(`${missing().join(', ')} could not be installed: run apt-get install ${missing().join(' ')}`);
  }
}

/** Runs a command to its end; throws with its last lines when it fails. */
function must(program, args, { input, timeout = 600_000 } = {}) {
  const done = spawnSync(program, args, { encoding: 'utf8', input, timeout, maxBuffer: 64 * 1024 * 1024 });
  if (done.status !== 0) {
    const text = `${done.stdout ?? ''}\n${done.stderr ?? done.error ?? ''}`.trim();
    throw new Error(
      `${program} ${args.find((arg) => !arg.startsWith('-'))} failed: ${text.split('\n').slice(-8).join('\n')}`,
    );
  }
  return done.stdout;
}

export const podman = (...args) => must('podman', [...storage, ...args]);

const imageExists = (name) => spawnSync('podman', [...storage, 'image', 'exists', name]).status === 0;

/**
 * Makes the two base images of deploy/image/Dockerfile once: Debian by debootstrap, and Node from the binary that npm
 * installed. They stand in for the ones of the public registry under the same names.
 */
export function requireBase(say) {
  mkdirSync(home, { recursive: true });
  if (!imageExists(baseImage)) {
    say('making the Debian base image with debootstrap, once, about a minute');
    const folder = join(home, 'debian');
    rmSync(folder, { recursive: true, force: true });
    must('debootstrap', ['--variant=minbase', 'bookworm', folder]);
    // What the slim images of the registry leave out, too.
    for (const spare of [
      'var/cache/apt',
      'var/lib/apt/lists',
      'usr/share/doc',
      'usr/share/man',
      'usr/share/locale',
      'var/log',
    ]) {
      rmSync(join(folder, spare), { recursive: true, force: true });
      mkdirSync(join(folder, spare), { recursive: true });
    }
    const pipe = 'folder=$1; shift; tar -C "$folder" -c . | podman "$@"';
    must('sh', ['-c', pipe, 'import', folder, ...storage, 'import', '-', baseImage]);
    rmSync(folder, { recursive: true, force: true });
  }
  if (!imageExists(nodeImage)) {
    const folder = join(home, 'node');
    mkdirSync(folder, { recursive: true });
    copyFileSync(realpathSync(join(root, 'node_modules/.bin/node')), join(folder, 'node'));
    chmodSync(join(folder, 'node'), 0o755);
    writeFileSync(join(folder, 'Dockerfile'), `FROM ${baseImage}\nCOPY node /usr/local/bin/node\n`);
    build({ file: join(folder, 'Dockerfile'), context: folder, tag: nodeImage });
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Builds one image from a Dockerfile and a context, without pulling anything. */
export function build({ file, context, tag, args = {} }) {
  const given = Object.entries(args).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]);
  must('buildah', [
    ...storage,
    'bud',
    '--isolation=chroot',
    '--pull-never',
    '--quiet',
    '-f',
    file,
    '-t',
    tag,
    ...given,
    context,
  ]);
}

/** The size of an image in bytes, all layers together. */
export function imageSize(tag) {
  return Number(podman('image', 'inspect', '--format', '{{.Size}}', tag).trim());
}

/**
 * The arguments that run an image as the chart does: user 1000, read-only, no capability, no new privileges, /tmp in
 * memory, limits of memory and processors. The host's network, so that the stores on its loopback are reached.
 */
export function runArguments({ name, image, env, files, memory, cpus, args = [] }) {
  return [
    ...['--cgroup-manager=cgroupfs', 'run', '--rm', '--name', name, '--runtime', 'runc', '--network', 'host'],
    ...['--ulimit', 'nofile=4096:4096', '--ulimit', 'nproc=4096:4096', '--pids-limit', '512'],
    ...['--user', '1000:1000', '--read-only', '--read-only-tmpfs=false', '--tmpfs', '/tmp:rw,size=256m,mode=1777'],
    ...['--cap-drop', 'all', '--security-opt', 'no-new-privileges', '--memory', memory, '--cpus', cpus],
    ...Object.entries(env).flatMap(([key, value]) => ['--env', `${key}=${value}`]),
    ...Object.entries(files).flatMap(([inside, outside]) => ['--volume', `${outside}:${inside}:ro`]),
    image,
    ...args,
  ];
}

/** Runs a container to its end; answers with its exit code and output. */
export function runOnce(options, timeout = 120_000) {
  const done = spawnSync('podman', [...storage, ...runArguments(options)], { encoding: 'utf8', timeout });
  return { status: done.status, output: `${done.stdout ?? ''}${done.stderr ?? ''}` };
}

/** Starts a container and keeps what it says. */
export function start(options) {
  const child = spawn('podman', [...storage, ...runArguments(options)], { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines = [];
  const keep = (chunk) => {
    lines.push(...String(chunk).split('\n').filter(Boolean));
    lines.splice(0, Math.max(0, lines.length - 200));
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  let status;
  const ended = new Promise((resolve) =>
    child.once('exit', (code) => {
      status = code ?? -1;
      resolve(status);
    }),
  );
  return { name: options.name, ended, output: () => lines.join('\n'), status: () => status };
}

/** The process id of a running container's main process, on the host. */
export function pidOf(name) {
  return Number(podman('container', 'inspect', '--format', '{{.State.Pid}}', name).trim());
}

/** Runs a command inside a running container; answers whether it succeeded. */
export function succeedsInside(name, ...command) {
  return spawnSync('podman', [...storage, '--cgroup-manager=cgroupfs', 'exec', name, ...command]).status === 0;
}

/** Sends SIGTERM, and SIGKILL after `seconds`. */
export function stop(name, seconds) {
  spawnSync('podman', [...storage, '--cgroup-manager=cgroupfs', 'stop', '--time', String(seconds), name]);
}

/** Removes these images, and what earlier builds left behind: working containers and images without a name. */
export function removeImages(tags) {
  spawnSync('buildah', [...storage, 'rm', '--all']);
  spawnSync('podman', [...storage, 'rmi', '--force', '--ignore', ...tags]);
  spawnSync('podman', [...storage, 'image', 'prune', '--force']);
}

/** Removes containers that an earlier, killed run left behind. */
export function removeContainers(prefix) {
  const names = podman('ps', '--all', '--format', '{{.Names}}')
    .split('\n')
    .filter((name) => name.startsWith(prefix));
  for (const name of names) {
    spawnSync('podman', [...storage, '--cgroup-manager=cgroupfs', 'rm', '--force', '--time', '0', name]);
  }
}
