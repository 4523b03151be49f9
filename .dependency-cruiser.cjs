// Who may import whom: main → server → verb → noun → (kit, proto), and nothing points back.
// Every rule has a negative fixture in test/lint/import-rules.test.ts.

const generated = '(^|/)gen/';
const doors = ['^services/kit/src/[^/]+/index\\.ts$', '^services/kit/src/telemetry/start\\.ts$'];
const test = '\\.(test|testkit)\\.tsx?$';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: '01-no-cycle',
      comment: 'Two files that need each other are one file, or lack a third.',
      severity: 'error',
      from: { pathNot: generated },
      to: { circular: true },
    },
    {
      name: '02-no-orphan',
      comment: 'A file nobody imports is dead. (Dead exports are found by scripts/check-exports.mjs.)',
      severity: 'error',
      from: {
        orphan: true,
        pathNot: [generated, test, '\\.d\\.ts$', '(^|/)(main|vite\\.config)\\.tsx?$', '^test/bench/', ...doors],
      },
      to: {},
    },
    {
      name: '03-no-service-to-service',
      comment: 'A service asks another over gRPC or hears its events; it never imports it.',
      severity: 'error',
      from: { path: '^services/([^/]+)/' },
      to: { path: '^services/', pathNot: ['^services/$1/', '^services/kit/'] },
    },
    {
      name: '04-kit-knows-no-domain',
      comment: 'kit has no domain word in it: no service, no proto but the shared types and the operations contract.',
      severity: 'error',
      from: { path: '^services/kit/' },
      to: {
        path: ['^services/(?!kit/)', '^proto/gen/'],
        pathNot: [
          '^proto/gen/(rapport/)?(type|operations)/',
          '^proto/gen/(index|descriptor)\\.ts$',
          '^proto/gen/(google|buf|grpc)(/|\\.ts$)',
        ],
      },
    },
    {
      name: '05-kit-by-its-doors',
      comment: 'kit is entered by @rapport/kit/<door>.',
      severity: 'error',
      from: { path: ['^services/', '^test/'], pathNot: '^services/kit/' },
      to: { path: '^services/kit/', pathNot: [...doors] },
    },
    {
      name: '05-kit-rooms-by-their-doors',
      comment: 'Rooms of kit reach each other by their doors, too.',
      severity: 'error',
      from: { path: '^services/kit/src/([^/]+)/' },
      to: { path: '^services/kit/', pathNot: [...doors, '^services/kit/src/$1/'] },
    },
    {
      name: '06-test-kit-in-tests-only',
      comment: 'Test code is imported from tests only.',
      severity: 'error',
      from: { pathNot: [test, '^test/'] },
      to: { path: ['^test/', '\\.testkit\\.tsx?$'] },
    },
    {
      name: '07-journeys-import-no-service',
      comment: 'What spans services uses them from outside, as everybody else does.',
      severity: 'error',
      from: { path: '^test/' },
      to: { path: '^services/(?!kit/)' },
    },
    {
      name: '08-main-is-the-root',
      comment: 'main.ts is started, never imported.',
      severity: 'error',
      from: {},
      to: { path: '^services/[^/]+/src/main\\.tsx?$' },
    },
    {
      name: '09-only-main-imports-config',
      comment: 'Everybody else gets what it needs by the dependency bag. (The type may be named by anybody.)',
      severity: 'error',
      from: { pathNot: ['^services/[^/]+/src/main\\.ts$', '^services/[^/]+/src/config\\.test\\.ts$'] },
      to: { path: '^services/[^/]+/src/config\\.ts$', dependencyTypesNot: ['type-only'] },
    },
    {
      name: '10-across-features-the-noun',
      comment: 'Another feature is reached by its noun file, never by one of its verbs.',
      severity: 'error',
      from: { path: '^services/([^/]+)/src/([^/]+)/', pathNot: [test, '^services/(kit|console|cli)/'] },
      to: {
        path: '^services/$1/src/[^/]+/',
        pathNot: ['^services/$1/src/$2/', '^services/$1/src/gen/', '/([^/]+)/\\1\\.ts$'],
      },
    },
    {
      name: '11-gateway-without-database',
      comment: 'The gateway and the console own no data.',
      severity: 'error',
      from: { path: '^services/(gateway|console)/', pathNot: test },
      to: {
        path: ['(^|/)node_modules/(pg|@prisma|prisma|@clickhouse|chdb)(/|$)', '^services/kit/src/(db|analytics)/'],
      },
    },
    {
      name: '12-generated-imports-nothing-of-ours',
      comment: 'Generated code can be thrown away and made again.',
      severity: 'error',
      from: { path: generated },
      to: { path: ['^services/', '^test/', '^scripts/'], pathNot: generated },
    },
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: ['(^|/)dist/', '^services/cli/bin/', '(^|/)prisma\\.config\\.ts$'] },
    webpackConfig: { fileName: `${__dirname}/.dependency-cruiser.resolve.cjs` },
    enhancedResolveOptions: { extensions: ['.ts', '.tsx', '.mjs', '.js', '.cjs', '.json'] },
    cache: false,
  },
};
