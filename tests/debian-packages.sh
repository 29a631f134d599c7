#!/usr/bin/env bash
# Install the Debian packages the tests need, when root on a Debian machine; otherwise say what is missing and go on:
# tests whose program is absent skip themselves with a reason.
set -euo pipefail
mapfile -t wanted < <(grep -v '^#' "$1")
missing=()
for package in "${wanted[@]}"; do
    # A program that came another way (a newer node, say) will do.
    case $package in nodejs) command -v node >/dev/null && continue ;; openjdk-*) command -v java >/dev/null && continue ;; esac
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "not root on Debian: tests that need ${missing[*]} will be skipped" >&2
    exit 0
fi
echo "installing ${missing[*]} …" >&2
# Servers are for the lab's own namespaces: none may start on this machine.
if [ ! -e /usr/sbin/policy-rc.d ]; then
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod +x /usr/sbin/policy-rc.d
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
