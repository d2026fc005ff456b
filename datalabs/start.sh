#!/bin/sh
# Start a datalab: JupyterLab where its settings are, else the page. Variables, of two generations, say at which port and below
# which path the platform asks for it, and which site shows it in a frame.
set -eu

fail() {
    echo "Error: $1" >&2
    exit 1
}

folder=$(dirname "$(readlink -f "$0")")
port=${MAIN_PORT:-${IF_main_port:-10000}}
id=${MAIN_ID:-${IF_main_id:-}}
case $id in
    *[!A-Za-z0-9._-]* | .*) fail "MAIN_ID is a name of letters and digits, not '$id'." ;;
esac
base=${id:+/datalabs/$id}
frame=${DATALABS_URL:-https://datalabs.esa.int}
case $frame in *://*) ;; *) frame=https://$frame ;; esac
frame=$(echo "$frame" | cut -d / -f 1-3)

# The user may be none that the image knows.
[ -w "${HOME:-/nowhere}" ] || HOME=/media/home
[ -w "$HOME" ] || fail "$HOME cannot be written: a datalab needs a home folder for its files, in HOME or at /media/home."
TMPDIR=$HOME/.cache/sedsql/${id:-datalab}
rm -rf "$TMPDIR" # what a datalab of this name that was killed has left
mkdir -p "$TMPDIR"
PATH=/opt/sedsql/bin:$PATH
export HOME TMPDIR PATH USER="${USER:-datalab}"

# A mirror at home, or a link to one, is the user's choice; others are mounted. The image has simulated sources.
mirror=${SEDSQL_MIRROR:-}
for place in "$HOME" /data /media "$folder"; do
    [ -n "$mirror" ] || mirror=$(find -L "$place" -maxdepth 3 -name mirror.duckdb -print -quit 2>/dev/null || true)
done
[ -n "$mirror" ] || fail "There is no mirror in $HOME, /data or /media: a folder with a file mirror.duckdb."
export SEDSQL_MIRROR="${mirror%/mirror.duckdb}"
echo "The mirror is $SEDSQL_MIRROR"

if [ -e "$folder/jupyter_config.py" ]; then
    mkdir -p "$HOME/sedsql"
    cp -R --no-clobber "$folder/notebooks" "$HOME/sedsql/"
    export SEDSQL_PORT="$port" SEDSQL_BASE="$base" SEDSQL_FRAME="$frame"
    export PIP_TARGET="$HOME/sedsql/packages" # where the environment looks last; it is read-only itself
    exec jupyter-lab --config "$folder/jupyter_config.py"
fi
exec sedsql explore --host 0.0.0.0 --port "$port" --base-path "$base" --frame "$frame" --no-browser
