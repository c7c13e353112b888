#!/bin/sh
# Starts Pingmon; on a system whose C library is too old for it, says so in place of the loader's riddle.
needed=@LIBC@
found=$(getconf GNU_LIBC_VERSION 2>/dev/null)
found=${found#glibc }
case $found in
2.*) [ "${found#2.}" -ge "${needed#2.}" ] 2>/dev/null && exec /usr/lib/pingmon/pingmon "$@" ;;
esac
printf '%s\n' "Pingmon needs the GNU C library $needed or newer; this system has ${found:-another one}." \
    "Run it on a newer system: hosts like this one can still be its probes." >&2
exit 1
