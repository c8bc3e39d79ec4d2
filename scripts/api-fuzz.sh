#!/bin/bash
# Asks the API whatever its document allows, and more, with schemathesis (from
# PyPI): no answer may be a 500 or one that the document does not describe.
set -euo pipefail

cd "$(dirname "$0")/.."
command -v schemathesis >/dev/null || {
    echo 'api-fuzz: schemathesis is missing: pipx install schemathesis' >&2
    exit 1
}
binary=${CARGO_TARGET_DIR:-target}/debug/yuanjiao
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill -TERM "$server" 2>/dev/null; wait; rm -rf "$work"' EXIT

cargo build --locked
mkdir -p "$work/config" "$work/schedules"
cp config/county.toml "$work/config/"
cp schedules/*.toml "$work/schedules/" 2>/dev/null || true
port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')
base=http://127.0.0.1:$port
"$binary" serve --config "$work/config/county.toml" --data "$work/data" --listen "127.0.0.1:$port" >"$work/log" 2>&1 &
server=$!
for _ in $(seq 100); do curl -sf "$base/healthz" >/dev/null && break; sleep 0.2; done

# The first account, and a token that is good for everything.
code=$(grep -oE '[2-9A-Z]{4}-[2-9A-Z]{4}-[2-9A-Z]{4}' "$work/log" | head -1)
jar=$work/jar
curl -sf -c "$jar" -o /dev/null -d "code=$code&name=Fuzz&login=fuzz&password=a+long+enough+one&again=a+long+enough+one" "$base/setup"
form=$(curl -sf -b "$jar" "$base/me" | grep -oE 'name="token" value="[0-9a-f]+"' | head -1 | cut -d'"' -f4)
token=$(curl -sf -b "$jar" \
    -d "token=$form&name=fuzz&days=1&scope=terminals:read&scope=terminals:write&scope=sites:write&scope=audit:read" \
    "$base/office/api" | grep -oE 'yj_[0-9a-f]+' | head -1)

# That what the document allows is taken is not asked for: a cursor or an
# identifier is only good if there is what it names.
schemathesis run "$base/api/v1/openapi.json" --header "Authorization: Bearer $token" \
    --max-examples "${EXAMPLES:-50}" --seed "${SEED:-1}" --exclude-checks positive_data_acceptance \
    --no-color "$@"
