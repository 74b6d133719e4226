#!/usr/bin/env bash
# Keystone itself, in a virtual environment outside of the repository: made once, and anew where the pins have changed.
# Prints where it is. The tests find it through test/interop/programs.ts.
set -euo pipefail
pins="$(cd "$(dirname "$0")" && pwd)/requirements.txt"
peer="${SIGNET_PEERS:-$HOME/.cache/signet-peers}/keystone"

# The pins are copied last: what was broken off halfway is made anew.
if ! { cmp -s "$pins" "$peer/requirements.txt" && "$peer/bin/python" -c 'import keystone'; } 2>/dev/null; then
  rm -rf "$peer"
  mkdir -p "$(dirname "$peer")"
  "${PYTHON:-python3}" -m venv "$peer"
  # The pins are complete: whatever a package asks for besides is not wanted.
  "$peer/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --requirement "$pins"
  cp "$pins" "$peer/requirements.txt"
fi
echo "$peer"
