#!/bin/sh
# Makes .venv with everything Pingmon needs. Called by make; safe to call again, quick when nothing changed.
#   packaging/env.sh app    what the window and the command line need
#   packaging/env.sh dev    that, and what tests and linters need
#   packaging/env.sh package  what the window needs, and what makes an app and a .deb of it (Linux, Debian)
#   packaging/env.sh lab    what dev has, and what the lab of real hosts needs (Linux, Debian)
#   packaging/env.sh pictures  that, and what pictures of the guide are taken with
# Missing system packages are installed where that is possible without asking; otherwise the command is printed.
set -eu
cd "$(dirname "$0")/.."
want=${1:-dev}
venv=${PINGMON_VENV:-.venv}

say() { printf '%s\n' "$*" >&2; }

# One line a library: what is loaded, and the Debian and Ubuntu package that has it.
qt_libraries='
libGL.so.1 libgl1
libEGL.so.1 libegl1
libxkbcommon.so.0 libxkbcommon0
libdbus-1.so.3 libdbus-1-3
libfontconfig.so.1 libfontconfig1
libglib-2.0.so.0 libglib2.0-0
libxcb-cursor.so.0 libxcb-cursor0
libxkbcommon-x11.so.0 libxkbcommon-x11-0
libxcb-icccm.so.4 libxcb-icccm4
libxcb-image.so.0 libxcb-image0
libxcb-keysyms.so.1 libxcb-keysyms1
libxcb-render-util.so.0 libxcb-render-util0
libxcb-shape.so.0 libxcb-shape0
'
# Real servers of web, names, mail and data that the tests watch, Prometheus, curl and ping that watch the same, a session
# bus, and the SSH server, tools and login shells of hosts. A path is a file of the package that is not in the PATH.
test_programs='
nginx nginx-light
apache2 apache2-bin
knotd knot
unbound unbound
/usr/lib/dovecot/imap dovecot-imapd
/usr/lib/dovecot/submission dovecot-submissiond
/usr/lib/postgresql/*/bin/initdb postgresql
prometheus prometheus
promtool prometheus
prometheus-blackbox-exporter prometheus-blackbox-exporter
curl curl
ping iputils-ping
sshd openssh-server
dbus-daemon dbus-daemon
ssh-keygen openssh-client
fish fish
zsh zsh
'
# What the lab builds its hosts with and starts them by, and the desktop that it tries the tray on.
lab_programs='
mmdebstrap mmdebstrap
systemd-nspawn systemd-container
ssh openssh-client
ip iproute2
nsenter util-linux
mount mount
Xvfb xvfb
openbox openbox
xfce4-panel xfce4-panel
trayer trayer
dunst dunst
xdotool xdotool
xprop x11-utils
import imagemagick
'

# What shows a web page, and makes pictures small.
picture_programs='
chromium chromium
optipng optipng
'

# What makes and checks the .deb.
package_programs='
dpkg-shlibdeps dpkg-dev
objdump binutils
appstreamcli appstream
desktop-file-validate desktop-file-utils
'

find_python() {
    for name in ${PINGMON_PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
        if command -v "$name" >/dev/null 2>&1 &&
            "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    say "Pingmon needs Python 3.11 or newer, and none was found."
    say "On Debian 12 or 13 and Ubuntu 24.04:  sudo apt-get install python3 python3-venv"
    exit 1
}

missing_packages() {
    "$python" -c 'import ensurepip, venv' 2>/dev/null || printf 'python3-venv '
    # Elsewhere Qt brings what it needs along.
    [ "$(uname -s)" = Linux ] || return 0
    printf '%s\n' "$qt_libraries" | while read -r library package; do
        [ -n "$library" ] || continue
        "$python" -c "import ctypes; ctypes.CDLL('$library')" 2>/dev/null || printf '%s ' "$package"
    done
    [ "$want" != app ] || return 0
    case $want in
    package) programs=$package_programs ;;
    lab) programs=$test_programs$lab_programs ;;
    pictures) programs=$test_programs$lab_programs$picture_programs ;;
    *) programs=$test_programs ;;
    esac
    printf '%s\n' "$programs" | while read -r program package; do
        [ -n "$program" ] || continue
        # shellcheck disable=SC2086
        PATH="$PATH:/usr/sbin:/sbin" command -v $program >/dev/null 2>&1 || printf '%s ' "$package"
    done
}

install_packages() {
    if [ "$(id -u)" = 0 ]; then
        as_root=''
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        as_root='sudo -n'
    else
        return 1
    fi
    command -v apt-get >/dev/null 2>&1 || return 1
    say "Installing system packages: $*"
    # A server that tests start themselves must not start on its own, now or at the next boot.
    quiet_services=no
    if [ ! -e /usr/sbin/policy-rc.d ]; then
        printf '#!/bin/sh\nexit 101\n' | $as_root tee /usr/sbin/policy-rc.d >/dev/null
        $as_root chmod 755 /usr/sbin/policy-rc.d
        quiet_services=yes
    fi
    code=0
    apt="$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install"
    # shellcheck disable=SC2086
    log=$(mktemp)
    $apt "$@" >"$log" 2>&1 || { $as_root apt-get -qq update >"$log" 2>&1 && $apt "$@" >"$log" 2>&1; } || code=$?
    [ $code = 0 ] || cat "$log" >&2
    rm -f "$log"
    [ $quiet_services = no ] || $as_root rm -f /usr/sbin/policy-rc.d
    case " $* " in *' nginx-light '*) $as_root systemctl disable nginx >/dev/null 2>&1 || true ;; esac
    for each in prometheus knot unbound postgresql; do
        case " $* " in *" $each "*) $as_root systemctl disable $each >/dev/null 2>&1 || true ;; esac
    done
    case " $* " in *' dovecot-'*) $as_root systemctl disable dovecot dovecot.socket >/dev/null 2>&1 || true ;; esac
    case " $* " in *' openssh-server '*) $as_root systemctl disable ssh ssh.socket >/dev/null 2>&1 || true ;; esac
    return $code
}

python=$(find_python)
stamp="$venv/.made-for-$want"
fingerprint=$({
    "$python" -c 'import sys; print(sys.version)'
    pwd
    cat pyproject.toml requirements/*.txt packaging/env.sh
} | cksum)
[ "$(cat "$stamp" 2>/dev/null || true)" != "$fingerprint" ] || exit 0

missing=$(missing_packages)
if [ -n "$missing" ]; then
    # shellcheck disable=SC2086
    if ! install_packages $missing; then
        say "These system packages are missing and cannot be installed from here. Type this, then try again:"
        say "    sudo apt-get update && sudo apt-get install --no-install-recommends $missing"
        exit 1
    fi
fi

if ! "$venv/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    say "Making the environment in $venv with $("$python" --version)"
    rm -rf "$venv"
    "$python" -m venv "$venv"
fi
say "Installing Python packages (the first time this takes a minute or two)"
requirements=$want
case $want in lab | pictures) requirements=dev ;; esac
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "requirements/$requirements.txt"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
rm -f "$venv"/.made-for-*
# Who has more has less, too.
case $want in package) made='package app' ;; pictures) made='pictures lab dev app' ;; lab) made='lab dev app' ;; dev) made='dev app' ;; *) made=app ;; esac
for each in $made; do printf '%s\n' "$fingerprint" >"$venv/.made-for-$each"; done
