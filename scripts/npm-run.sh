#!/bin/sh
# Runs `npm run SCRIPT` in a folder, with its packages installed first if they are not.
#   scripts/npm-run.sh FOLDER SCRIPT
set -eu

cd "$(dirname "$0")/../$1"
# Not `npm ci`: it refuses a lock file made where a registry mirror lacks packages
# that only other platforms need. The versions are the lock file's all the same.
# One at a time: two that install at once leave files half written for whoever runs first.
(
    flock 9
    if [ ! node_modules/.package-lock.json -nt package-lock.json ]; then
        # What a script says is its caller's to read; what npm says is not part of it.
        npm install --no-save --no-audit --no-fund >&2
    fi
) 9<package.json
npm run --silent "$2"
