# Sourced by the sh scripts, in the root folder: installs the packages when they are missing or older than the lock
# file, and puts the tree's own Node first on the PATH.
if ! command -v npm >/dev/null 2>&1; then
  echo 'Node.js with npm (20 or newer) is needed to install the rest: https://nodejs.org' >&2
  exit 1
fi
if ! node scripts/lib/installed.mjs; then
  echo 'installing packages (npm ci)'
  npm ci --no-fund --no-audit --loglevel=error || exit 1
fi
PATH="$PWD/node_modules/.bin:$PATH"
export PATH
