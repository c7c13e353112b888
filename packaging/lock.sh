#!/bin/sh
# Pins the newest versions that pyproject.toml allows. Run with the oldest Python we support, so that what only
# it needs is in the list; nothing of this machine's package sources is written down.
set -eu
cd "$(dirname "$0")/.."
tools=build/lock-env
[ -x $tools/bin/pip-compile ] || { python3.11 -m venv $tools && $tools/bin/python -m pip install -q 'pip-tools>=7.5'; }
compile() {
    $tools/bin/pip-compile --quiet --upgrade --no-emit-index-url --no-emit-find-links --no-emit-options \
        --strip-extras --no-header --allow-unsafe --annotation-style=line "$@" pyproject.toml
}
compile --extra build -o requirements/app.txt
compile --extra build --extra dev -c requirements/app.txt -o requirements/dev.txt
compile --extra build --extra package -c requirements/app.txt -o requirements/package.txt
# httpbin wants another greenlet from Python 3.12 on: what is compiled by 3.11 cannot know that.
greenlet=$($tools/bin/pip index versions greenlet | sed -n '1s/.*(\(.*\)).*/\1/p')
sed -i "s/^greenlet==\([^ ]*\) *#\(.*\)/greenlet==\1 ; python_version < \"3.12\"  #\2\ngreenlet==$greenlet ; python_version >= \"3.12\"  #\2/" \
    requirements/dev.txt
