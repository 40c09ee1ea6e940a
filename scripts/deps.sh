#!/usr/bin/env bash
# Installs what is missing and says what it runs. Usage: deps.sh [tests]
set -euo pipefail

need=()
have_postgres() { command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; }
have_postgres || need+=(postgresql)
command -v redis-server >/dev/null || need+=(redis-server)
if [ "${1:-}" = tests ]; then
  command -v chromium >/dev/null || need+=(chromium)
  command -v node >/dev/null || need+=(nodejs)
  command -v ss >/dev/null || need+=(iproute2)
  for tool in jq curl wget; do command -v "$tool" >/dev/null || need+=("$tool"); done
  command -v prometheus-alertmanager >/dev/null || command -v alertmanager >/dev/null || need+=(prometheus-alertmanager)
fi

command -v go >/dev/null || { echo "Go is missing; install the version that go.mod names, then run this again." >&2; exit 1; }
[ ${#need[@]} -eq 0 ] && exit 0

if command -v apt-get >/dev/null; then
  sudo=(); [ "$(id -u)" -eq 0 ] || sudo=(sudo)
  if [ ${#sudo[@]} -gt 0 ] && ! command -v sudo >/dev/null; then
    echo "Missing: ${need[*]}. There is no sudo here, so nothing was installed. As root, run: apt-get install --no-install-recommends ${need[*]}" >&2
    exit 1
  fi
  # The packages' own services are not wanted: we run private instances.
  echo "+ ${sudo[*]} apt-get update"
  "${sudo[@]}" apt-get update -qq
  echo "+ ${sudo[*]} apt-get install -y --no-install-recommends ${need[*]}"
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${need[@]}" >/dev/null
elif command -v brew >/dev/null; then
  formulas=()
  for n in "${need[@]}"; do
    case $n in redis-server) formulas+=(redis) ;; chromium) formulas+=(--cask chromium) ;; nodejs) formulas+=(node) ;; iproute2) formulas+=(iproute2mac) ;; prometheus-alertmanager) formulas+=(alertmanager) ;; *) formulas+=("$n") ;; esac
  done
  echo "+ brew install ${formulas[*]}   (macOS is supported on a best-effort basis)"
  brew install "${formulas[@]}"
else
  echo "Missing: ${need[*]}. Neither apt-get nor brew is here; install them by hand, then run this again." >&2
  exit 1
fi
