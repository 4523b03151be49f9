// Writes charts/*/values.schema.json from each chart's values.yaml: the shapes are the same for every service, the names
// of settings, secrets and peers are those that its values.yaml lists. `--check` only says whether they are up to date.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const root = resolve(fileURLToPath(import.meta.url), '../../..');
export const leaves = ['customer', 'segmentation', 'marketing', 'cases', 'performance', 'reporting', 'gateway'];

const text = { type: 'string' };
const name = {
  type: 'string',
  maxLength: 253,
  pattern: '^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$',
};
const flag = { type: 'boolean' };
const port = { type: 'integer', minimum: 1, maximum: 65535 };
const count = (minimum, maximum) => ({
  type: 'integer',
  minimum,
  ...(maximum === undefined ? {} : { maximum }),
});
const share = { type: 'number', minimum: 0, maximum: 1 };
const quantity = {
  type: ['string', 'number'],
  pattern: '^[0-9.]+([EPTGMKkm]i?)?$',
};
const texts = { type: 'object', additionalProperties: { type: 'string' } };
const list = (items) => ({ type: 'array', items });
const oneOf = (...values) => ({ type: 'string', enum: values });
const exactly = (properties, required = []) => ({
  type: 'object',
  properties,
  additionalProperties: false,
  ...(required.length > 0 ? { required } : {}),
});
/** Kubernetes checks these itself; their shape is not ours. */
const kubernetes = { type: 'object' };
const setting = { type: ['string', 'number', 'boolean'] };

const resources = exactly(
  {
    requests: exactly({ cpu: quantity, memory: quantity, 'ephemeral-storage': quantity }, ['cpu', 'memory']),
    limits: exactly({ cpu: quantity, memory: quantity, 'ephemeral-storage': quantity }, ['memory']),
  },
  ['requests', 'limits'],
);

const global = exactly({
  image: exactly({ registry: text, tag: text, pullSecrets: list(name) }),
  otlpEndpoint: text,
  config: {
    type: 'object',
    propertyNames: { pattern: '^[A-Z][A-Z0-9_]*$' },
    additionalProperties: setting,
  },
});

const keysOf = (values, shape) => exactly(Object.fromEntries(Object.keys(values ?? {}).map((key) => [key, shape])));

/** The schema of one service chart with these values. */
export function leafSchema(values) {
  const properties = {
    enabled: flag,
    global,
    // helm hands the library its share of the values under its name.
    'rapport-library': exactly({ global: kubernetes }),
    fullnameOverride: name,
    image: exactly(
      {
        registry: text,
        repository: { type: 'string', minLength: 1 },
        tag: text,
        digest: { type: 'string', pattern: '^(sha256:[0-9a-f]{64})?$' },
        pullPolicy: oneOf('IfNotPresent', 'Always', 'Never'),
        pullSecrets: list(name),
      },
      ['registry', 'repository'],
    ),
    ports: {
      ...keysOf(values.ports, port),
      required: Object.keys(values.ports),
    },
    config: keysOf(values.config, setting),
    peers: keysOf(values.peers, {
      type: 'string',
      pattern: '^[^:\\s]+:[0-9]{1,5}$',
    }),
    secrets: keysOf(values.secrets, exactly({ name, key: { type: 'string', minLength: 1 } }, ['name', 'key'])),
    secretFiles: keysOf(values.secretFiles, exactly({ name, key: { type: 'string', minLength: 1 } }, ['name', 'key'])),
    tls: exactly({ secretName: name }),
    telemetry: exactly({ otlpEndpoint: text, sampleRatio: share }),
    replicas: count(1),
    autoscaling: exactly({
      enabled: flag,
      minReplicas: count(2),
      maxReplicas: count(2),
      targetCpuPercentage: count(1, 100),
    }),
    podDisruptionBudget: exactly({
      maxUnavailable: {
        anyOf: [count(1), { type: 'string', pattern: '^[0-9]{1,3}%$' }],
      },
    }),
    resources,
    heapPercentage: count(20, 80),
    temporarySize: quantity,
    probes: exactly({
      startupSeconds: count(2),
      livenessPeriodSeconds: count(1),
      readinessPeriodSeconds: count(1),
      timeoutSeconds: count(1),
    }),
    terminationGracePeriodSeconds: count(10),
    serviceAccount: exactly({ create: flag, name, annotations: texts }),
    networkPolicy: exactly({
      enabled: flag,
      callers: list(oneOf(...leaves)),
      publicFrom: list(kubernetes),
      metricsFrom: list(kubernetes),
      dnsTo: list(kubernetes),
      egress: keysOf(values.networkPolicy.egress, exactly({ port, to: list(kubernetes) }, ['port', 'to'])),
    }),
    topologySpread: {
      type: 'object',
      additionalProperties: oneOf('ScheduleAnyway', 'DoNotSchedule'),
    },
    nodeSelector: texts,
    tolerations: list(kubernetes),
    affinity: kubernetes,
    priorityClassName: text,
    podLabels: texts,
    podAnnotations: texts,
  };
  if (values.migration !== undefined) {
    properties.migration = exactly({
      enabled: flag,
      backoffLimit: count(0),
      activeDeadlineSeconds: count(30),
      resources,
    });
  }
  if (values.ingress !== undefined) {
    properties.ingress = exactly({
      enabled: flag,
      className: text,
      annotations: texts,
      host: text,
      tlsSecretName: name,
    });
  }
  return schema(properties);
}

/** The schema of the umbrella; each service's part is checked by that service's own. */
export function umbrellaSchema() {
  return schema({
    global,
    namespaceDefaultDeny: exactly({ enabled: flag }),
    ...Object.fromEntries(leaves.map((leaf) => [leaf, { type: 'object' }])),
  });
}

function schema(properties) {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    ...exactly(properties),
  };
}

/** Every schema file with the text it should hold. */
export function schemas(from = root) {
  const read = (chart) => parse(readFileSync(join(from, 'charts', chart, 'values.yaml'), 'utf8'));
  const files = leaves.map((leaf) => [`charts/${leaf}/values.schema.json`, leafSchema(read(leaf))]);
  files.push(['charts/rapport/values.schema.json', umbrellaSchema()]);
  return files.map(([file, content]) => ({
    file,
    text: `${JSON.stringify(content, null, 2)}\n`,
  }));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const stale = schemas().filter(({ file, text: wanted }) => {
    const at = join(root, file);
    return !existsSync(at) || readFileSync(at, 'utf8') !== wanted;
  });
  if (process.argv.includes('--check')) {
    if (stale.length > 0) {
      console.error(`out of date: ${stale.map(({ file }) => file).join(', ')}; run npm run charts`);
      process.exit(1);
    }
  } else {
    for (const { file, text: wanted } of stale) {
      writeFileSync(join(root, file), wanted);
      console.log(`wrote ${file}`);
    }
  }
}
