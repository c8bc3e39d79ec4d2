#!/bin/sh
# Starts a demo server of its own, runs tests/browser against it, stops it.
set -eu

cd "$(dirname "$0")/.."
exec scripts/with-demo.sh scripts/npm-run.sh tests/browser test
