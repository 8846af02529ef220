# Sourced by the scripts beside it: system packages on Debian and Ubuntu.
# shellcheck shell=bash

# Runs a command as root, through sudo when we are not root already.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo "${0##*/}: '$1' needs root and there is no sudo: run this as root." >&2
    return 1
  fi
}

# Whether this machine installs packages with apt.
has_apt() { command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; }

package_installed() {
  [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# package_available NAME: whether apt knows an installable package of that name.
package_available() {
  local candidate
  candidate=$(LC_ALL=C apt-cache policy "$1" 2>/dev/null | sed -n 's/^  Candidate: //p')
  [ -n "$candidate" ] && [ "$candidate" != "(none)" ]
}

can_be_root() { [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null; }

# install_packages NAME...: installs the ones that are missing; silent when none is.
install_packages() {
  local name missing=()
  for name in "$@"; do
    package_installed "$name" || missing+=("$name")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if ! can_be_root; then
    echo "${0##*/}: missing here, and there is no sudo: ${missing[*]}." \
      "As root: apt-get install ${missing[*]}; then start this again." >&2
    return 1
  fi
  echo "Installing with apt: ${missing[*]}"
  refresh_package_lists
  as_root env DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes apt-get --quiet --quiet --yes \
    -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 --no-install-recommends \
    install "${missing[@]}" >/dev/null
}

# An unreachable third-party source must not stop us: if a package is then missing,
# the installation itself says so.
refresh_package_lists() {
  [ -z "${package_lists_fresh:-}" ] || return 0
  as_root apt-get --quiet --quiet -o DPkg::Lock::Timeout=600 update ||
    echo "apt could not refresh every source; going on with the lists it has." >&2
  package_lists_fresh=yes
}
