#!/bin/bash
# Starts a demo server of its own, runs a command against it, stops it:
#   scripts/with-demo.sh COMMAND…
# The command finds BASE_URL, SITE_ID, TERMINAL_TOKEN, CHANNEL, SETUP_CODE and
# CHROMIUM in its environment. DEMO_MEDIA names a folder of media that an
# earlier demo has prepared, to be copied instead of filming anew. BUILT says
# that the server need not be built.
set -euo pipefail

cd "$(dirname "$0")/.."
export PATH="$PWD/target/node/node_modules/.bin:$PATH"
binary=${CARGO_TARGET_DIR:-target}/debug/yuanjiao
patience=240   # seconds for each of the lessons that the demo packages first
work=$(mktemp -d)
ready=$work/ready.json
log=$work/server.log
server=

stop() {
    local status=$?
    trap - EXIT
    if [ -n "$server" ] && kill -TERM "$server" 2>/dev/null; then
        # The server drains and ends its workers; it gets 20 s for that.
        for _ in $(seq 200); do
            kill -0 "$server" 2>/dev/null || break
            sleep 0.1
        done
        kill -KILL "$server" 2>/dev/null && echo 'with-demo: the server did not stop by itself' >&2
        wait "$server" 2>/dev/null || true
    fi
    if [ "$status" -ne 0 ] && [ -f "$log" ]; then
        echo 'with-demo: the last lines of the server:' >&2
        tail -n 60 "$log" >&2
    fi
    rm -rf "$work"
    exit "$status"
}
trap stop EXIT
trap 'exit 130' INT TERM

# Tests have built it with features of their own: built again without, it takes minutes.
[ -n "${BUILT:-}" ] || cargo build --locked
if [ -d "${DEMO_MEDIA:-}" ]; then
    mkdir "$work/data"
    cp -a --reflink=auto "$DEMO_MEDIA" "$work/data/media"
fi
"$binary" demo --data "$work/data" --listen 127.0.0.1:0 --ready-file "$ready" >"$log" 2>&1 &
server=$!

packaged() { (shopt -s nullglob; set -- "$work"/data/media/library/*/package.json; echo $#); }
had=$(packaged)
waited=0   # fifths of a second since there was one more
while [ "$waited" -lt $((patience * 5)) ]; do
    [ -s "$ready" ] && break
    has=$(packaged)
    [ "$has" -le "$had" ] || waited=0
    had=$has
    waited=$((waited + 1))
    kill -0 "$server" 2>/dev/null || { echo 'with-demo: the server ended before it was ready' >&2; exit 1; }
    sleep 0.2
done
[ -s "$ready" ] || { echo "with-demo: nothing became ready within $patience s" >&2; exit 1; }

value() {
    node -p 'JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"))[process.argv[2]] ?? ""' "$ready" "$1"
}
BASE_URL=$(value url)
SITE_ID=$(value site)
TERMINAL_TOKEN=$(value terminal_token)
CHANNEL=$(value channel)
SETUP_CODE=$(value setup_code)
CHROMIUM=${CHROMIUM:-$(command -v chromium)}
export BASE_URL SITE_ID TERMINAL_TOKEN CHANNEL SETUP_CODE CHROMIUM

"$@"
