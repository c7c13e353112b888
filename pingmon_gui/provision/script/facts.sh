# Facts of a host, read by fact.py. Changes nothing, needs no right, POSIX sh.
# Every line that counts starts with "pingmon:"; start-up files may print what they like.
# It is a function so that nothing in it can eat the script, which comes by stdin.
say() { printf 'pingmon:%s=%s\n' "$1" "$2"; }
has() { command -v "$1" >/dev/null 2>&1; }
free_kb() {
  # The nearest folder above that exists.
  folder=$1
  while [ ! -d "$folder" ]; do folder=$(dirname "$folder"); done
  df -Pk "$folder" 2>/dev/null | tail -n 1 | { read -r _ _ _ free _; printf '%s' "$free"; }
}

facts() {
  PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
  LC_ALL=C
  export PATH LC_ALL
  umask 077
  say os "$(uname -s)"
  say user "$(id -un)"
  say uid "$(id -u)"
  say groups "$(id -Gn)"
  say home "$HOME"
  say connection "${SSH_CONNECTION:-}"
  [ -w "$HOME" ] && say home_writable yes
  say free_home_kb "$(free_kb "$HOME")"
  say free_system_kb "$(free_kb /var/lib/pingmon-probe)"
  say free_opt_kb "$(free_kb /opt/pingmon-probe)"

  for name in python3 python3.14 python3.13 python3.12 python3.11 python3.10 python3.9 /usr/libexec/platform-python; do
    path=$(command -v "$name" 2>/dev/null) || continue
    found=$("$path" -I -S -c 'import sys, platform
fit = sys.version_info >= (3, 9)
print("%d.%d.%d" % sys.version_info[:3], "%.3f" % __import__("time").time(), end=" ")
for name in ("ssl", "zlib", "json", "hashlib", "selectors", "http.client", "pwd", "zipfile"):
    try:
        __import__(name)
    except ImportError:
        print(name, end=",")
        fit = False
print(" " + sys.executable)
sys.exit(0 if fit else 4)' 2>/dev/null)
    case $? in
    0)
      say python "$found"
      break
      ;;
    4) say python "$found" ;;
    esac
  done
  say clock_s "$(date +%s)"

  if [ -d /run/systemd/system ]; then
    say init systemd
    [ -e "/var/lib/systemd/linger/$(id -un)" ] && say linger yes
    if has pkcheck && pkcheck --action-id org.freedesktop.login1.set-self-linger --process $$ >/dev/null 2>&1; then
      say linger_allowed yes
    fi
    XDG_RUNTIME_DIR=/run/user/$(id -u) systemctl --user show-environment >/dev/null 2>&1 && say user_systemd yes
    if has busctl; then
      case $(busctl get-property org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager \
        KillUserProcesses 2>/dev/null) in
      *true*) say kill_user_processes yes ;;
      esac
    fi
  fi
  for name in sudo useradd adduser crontab selinuxenabled; do has "$name" && say program "$name"; done
  has selinuxenabled && selinuxenabled && say selinux yes
  for name in apt-get dnf yum zypper apk pacman; do
    if has "$name"; then
      say package_manager "$name"
      break
    fi
  done
  for name in /usr/sbin/nologin /sbin/nologin /usr/bin/nologin /bin/false /usr/bin/false; do
    if [ -x "$name" ]; then
      say nologin "$name"
      break
    fi
  done
  for file in /proc/[0-9]*/comm; do
    read -r name <"$file" || continue
    case $name in
    cron | crond | fcron | cronie | busybox-cron) say cron yes ;;
    dropbear) say dropbear yes ;;
    esac
  done 2>/dev/null
  read -r _ 2>/dev/null </proc/net/if_inet6 && say ipv6 yes
  read -r low high </proc/sys/net/ipv4/ping_group_range && say ping_groups "$low $high"
  cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | while read -r _ local _ state _; do
    [ "$state" = 0A ] && say listen "${local##*:}"
  done
  while IFS=: read -r name _; do [ "$name" = pingmon-probe ] && say account yes; done </etc/passwd

  for file in "$HOME/.config/systemd/user/pingmon-probe.service" "$HOME/.local/share/pingmon-probe/supervise.sh"; do
    [ -r "$file" ] && existing user "$file"
  done
  for file in /etc/systemd/system/pingmon-probe.service /opt/pingmon-probe/supervise.sh; do
    [ -r "$file" ] && existing system "$file"
  done
  say end yes
}
existing() {
  say existing "$1"
  # What we wrote into the unit or script ourselves: "# pingmon: port=46464 transport=tunnel ...".
  while read -r mark name rest; do
    [ "$mark $name" = "# pingmon:" ] && say "existing_$1" "$rest"
  done <"$2"
}
facts </dev/null
