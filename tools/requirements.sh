# What the tools of this directory need on a machine. To be sourced by them, after `set -euo pipefail`.

die() {
    printf '%s: %s\n' "${0##*/}" "$1" >&2
    exit 1
}

# Checks for a Swift toolchain on the PATH, not older than the manifest asks for.
require_swift() {
    command -v swift >/dev/null || die 'there is no swift on the PATH. Install a toolchain, 6.2 or later: https://www.swift.org/install/linux/'
    local version
    version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
    [[ -n $version ]] || die 'swift --version says nothing that is understood here; expected Swift 6.2 or later'
    [[ $(printf '6.2\n%s\n' "$version" | sort -V | head -n 1) == 6.2 ]] || die "swift is version $version; expected 6.2 or later"
}

# Installs those of the Debian packages named that are missing.
require_packages() {
    local missing=() package
    for package in "$@"; do
        [[ $(dpkg-query --show --showformat='${Status}' "$package" 2>/dev/null) == *' installed' ]] || missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    local line="apt-get install --yes --no-install-recommends ${missing[*]}" as_root=()
    if ((EUID != 0)); then
        if ! command -v sudo >/dev/null || ! sudo --non-interactive true 2>/dev/null; then
            die "missing: ${missing[*]}. Install with: sudo $line"
        fi
        as_root=(sudo --non-interactive)
    fi
    command -v apt-get >/dev/null || die "missing: ${missing[*]} (named as Debian names them), and there is no apt-get to install them with"
    echo "installing ${missing[*]}" >&2
    export DEBIAN_FRONTEND=noninteractive
    local log
    log=$(mktemp)
    # shellcheck disable=SC2086
    if ! "${as_root[@]}" $line >"$log" 2>&1 && ! { "${as_root[@]}" apt-get update && "${as_root[@]}" $line; } >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        die "could not install. Try: sudo apt-get update && sudo $line"
    fi
    rm -f "$log"
}

# Runs a build with its progress on a terminal; elsewhere quietly, and all that it said when it fails.
build_quietly() {
    if [[ -t 2 ]]; then
        "$@" >&2
        return
    fi
    local log
    log=$(mktemp)
    if ! "$@" >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        return 1
    fi
    rm -f "$log"
}
