#!/bin/sh
# Not run so far. Makes Pingmon.app and a disk image of it, on macOS 13 or newer with a Python 3.11 of python.org.
#   packaging/macos/build.sh                       signed for this machine only
#   SIGN_AS="Developer ID Application: ..." NOTARY_PROFILE=... packaging/macos/build.sh   for everybody
set -eu
cd "$(dirname "$0")/../.."
env=build/package-env
[ -x $env/bin/python ] || python3.11 -m venv $env
$env/bin/pip install --quiet -r requirements/package.txt
$env/bin/pip install --quiet --no-deps --no-build-isolation -e .
$env/bin/python packaging/build_package.py
version=$($env/bin/python -c 'import pingmon_gui; print(pingmon_gui.__version__)')
app=build/app/Pingmon.app
image=build/pingmon-$version.dmg

# Libraries first, the app around them last: a signature covers what is inside.
find $app -type f \( -name '*.so' -o -name '*.dylib' \) -exec codesign --force --options runtime --timestamp=none \
    --sign "${SIGN_AS:--}" {} +
codesign --force --options runtime --entitlements packaging/macos/entitlements.plist --sign "${SIGN_AS:--}" $app
codesign --verify --deep --strict $app

# The image shows the app beside the folder it is dragged to.
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
cp -R $app "$stage"
ln -s /Applications "$stage/Applications"
rm -f "$image"
hdiutil create -volname Pingmon -srcfolder "$stage" -format UDZO "$image"
if [ -n "${NOTARY_PROFILE:-}" ]; then
    xcrun notarytool submit "$image" --keychain-profile "$NOTARY_PROFILE" --wait
    xcrun stapler staple "$image"
fi
echo "$image"
echo "For terminals: ln -s /Applications/Pingmon.app/Contents/MacOS/pingmon /usr/local/bin/pingmon"
