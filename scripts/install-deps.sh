#!/bin/sh
# Installs what is missing to build and run (`run`) or to test (`test`).
# A machine that has everything is left alone, in a tenth of a second.
set -eu

cd "$(dirname "$0")/.."
wanted=${1:-run}

run_packages='gcc libc6-dev lld pkg-config
libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev
gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad
gstreamer1.0-plugins-ugly gstreamer1.0-libav gstreamer1.0-x gstreamer1.0-tools
espeak-ng poppler-utils fonts-noto-core fonts-noto-cjk'

test_packages='chromium curl ffmpeg gir1.2-gst-rtsp-server-1.0 libnginx-mod-rtmp mpv nginx-light openssl python3-gi trafficserver varnish vlc-bin vlc-plugin-base wrk xmltv-util librsvg2-bin'

# What web/package.json's `engines` and its build tool ask for, and what is
# fetched from npm where the system's Node.js is older (Debian 12 has 18).
node_wanted='20.19 or newer'
node_fetched='22.23.3'

fail() {
    printf 'install-deps: %s\n' "$*" >&2
    exit 1
}

case $wanted in
run) packages=$run_packages ;;
test) packages="$run_packages $test_packages" ;;
*) fail "expected \`run\` or \`test\`, got \`$wanted\`" ;;
esac

# What of "$@" is not installed, one a line.
missing_of() {
    for package; do
        case $installed in
        *" $package "*) ;;
        *) printf '%s\n' "$package" ;;
        esac
    done
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo "$@"
    else
        fail "these Debian packages are missing and neither root nor sudo is at hand; as root run:" \
            "apt-get install --no-install-recommends" $missing
    fi
}

node_is_new_enough() {
    node -e '
        const [major, minor] = process.versions.node.split(".").map(Number);
        process.exit((major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22 ? 0 : 1);
    ' 2>/dev/null
}

command -v dpkg-query >/dev/null 2>&1 ||
    fail "this is no Debian; install the counterparts of these by hand: $packages"
command -v cargo >/dev/null 2>&1 ||
    fail "cargo is missing; install Rust 1.95 or newer (https://rustup.rs), Debian's is too old"

# An earlier run may have fetched a Node.js of our own.
PATH="$PWD/target/node/node_modules/.bin:$PATH"
export PATH
command -v node >/dev/null 2>&1 || packages="$packages nodejs npm"

# shellcheck disable=SC2086  # a list of words
installed=" $(dpkg-query -W -f '${db:Status-Status}/${Package}\n' $packages 2>/dev/null |
    sed -n 's|^installed/||p' | tr '\n' ' ') "
# shellcheck disable=SC2086
missing=$(missing_of $packages | tr '\n' ' ')

if [ -n "$missing" ]; then
    printf 'install-deps: installing %s\n' "$missing" >&2
    as_root apt-get update -q
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $missing ||
        fail "apt-get could not install: $missing"
    # Tests start caches and nginx themselves. Debian starts what it installs, at boot too,
    # and Traffic Server at port 8080, which is ours.
    for service in nginx trafficserver varnish; do
        case " $missing" in *" $service"*)
            if [ -d /run/systemd/system ]; then
                as_root systemctl disable -q --now "$service" ||
                    printf 'install-deps: %s could not be switched off; its port may be ours\n' "$service" >&2
            fi ;;
        esac
    done
fi

command -v npm >/dev/null 2>&1 ||
    fail "node is here but npm is not; install the npm that belongs to $(command -v node)"

if ! node_is_new_enough; then
    printf 'install-deps: Node.js %s is too old to build the pages, fetching %s into target/node\n' \
        "$(node --version)" "$node_fetched" >&2
    mkdir -p target/node
    npm install --prefix target/node --no-save --no-audit --no-fund --loglevel error "node@$node_fetched" >&2
    # The shell remembers where it found the old one.
    hash -r
    node_is_new_enough || fail "Node.js $node_wanted is needed and could not be fetched from npm; install it by hand"
fi
