// Our packages resolved to their sources, in the tree that is being looked at (the fixtures are trees of their own).
const path = require('node:path');

const here = (folder) => path.join(process.cwd(), folder);

module.exports = {
  resolve: {
    extensions: ['.ts', '.tsx', '.mjs', '.js', '.cjs', '.json'],
    extensionAlias: { '.js': ['.ts', '.tsx', '.js'] },
    alias: {
      '@rapport/kit': here('services/kit/src'),
      '@rapport/proto$': here('proto/gen/index.ts'),
      '@rapport/proto': here('proto/gen'),
      '@rapport/test/kit$': here('test/kit/index.ts'),
    },
  },
};
