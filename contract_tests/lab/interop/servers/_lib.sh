# What the scripts beside this file share; it is sourced.
#
#   NAME.sh install WORKDIR                 fills WORKDIR, once per set of pins
#   NAME.sh serve WORKDIR PORT UPSTREAM     serves on 127.0.0.1:PORT until TERM or until stdin ends
#
# UPSTREAM is a base URL with /v1.  `serve` prints READY once the server answers; what the server itself
# says goes to WORKDIR/server.log.  PYTHON names the interpreter that environments are made from.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PYTHON=${PYTHON:-python3}
ACTION=${1:-}
case "$ACTION-$#" in
install-2 | serve-4) ;;
*)
    echo "usage: $(basename "$0") install WORKDIR | serve WORKDIR PORT UPSTREAM" >&2
    exit 2
    ;;
esac
mkdir -p "$2/home"
WORK=$(cd "$2" && pwd)
PORT=${3:-}
UPSTREAM=${4:-}
UPSTREAM=${UPSTREAM%/}
exec 3<&0

# fresh WANT: whether WORKDIR holds exactly what WANT describes.
fresh() {
    [ -f "$WORK/.installed" ] && [ "$(cat "$WORK/.installed")" = "$1" ]
}

# installed WANT: remember that it does.
installed() {
    printf '%s' "$1" >"$WORK/.installed"
}

# complain LOG: the end of a log, and failure.
complain() {
    grep -v '^WARNING' "$1" | tail -8 >&2 || true
    exit 1
}

# py_install PINS REQUIREMENT...: an environment in WORKDIR/venv, every version as the file PINS says.
py_install() {
    local pins=$1 want
    shift
    want="$("$PYTHON" -V) $* $(cat "$pins")"
    if fresh "$want"; then
        return
    fi
    rm -f "$WORK/.installed"
    "$PYTHON" -m venv --clear "$WORK/venv" >"$WORK/install.log" 2>&1 || complain "$WORK/install.log"
    # The resolver of older releases of pip finds conflicts among pins where there are none.
    if [[ $("$WORK/venv/bin/python" -m pip --version) =~ ^pip\ (1|20|21|22|23)\. ]]; then
        py_pip --upgrade pip
    fi
    py_pip -c "$pins" "$@"
    installed "$want"
}

# py_pip ARGUMENT...: pip install in the environment, into the log.
py_pip() {
    "$WORK/venv/bin/python" -m pip install -q --disable-pip-version-check --no-input "$@" \
        >>"$WORK/install.log" 2>&1 </dev/null || complain "$WORK/install.log"
}

# npm_install FOLDER: node_modules in WORKDIR, as FOLDER's package.json and package-lock.json say; no
# package's own install script is run.
npm_install() {
    local want
    want="$(node --version) $(cat "$1/package.json" "$1/package-lock.json")"
    if fresh "$want"; then
        return
    fi
    rm -rf "$WORK/.installed" "$WORK/node_modules"
    cp "$1/package.json" "$1/package-lock.json" "$WORK/"
    (cd "$WORK" && npm ci --ignore-scripts --no-audit --no-fund) \
        >"$WORK/install.log" 2>&1 </dev/null || complain "$WORK/install.log"
    installed "$want"
}

# status PATH: the status code that GET PATH is answered with, or nothing.
status() {
    (
        exec 4<>"/dev/tcp/127.0.0.1/$PORT"
        printf 'GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: close\r\n\r\n' "$1" "$PORT" >&4
        read -r -t 5 _ code _ <&4 && printf '%s' "$code"
    ) 2>/dev/null || true
}

# serve PATH COMMAND...: run, say READY when GET PATH is 200, stay.
serve() {
    local path=$1 server
    shift
    "$@" >"$WORK/server.log" 2>&1 3<&- </dev/null &
    server=$!
    trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; exit 0' INT TERM
    until [ "$(status "$path")" = 200 ]; do
        if ! kill -0 "$server" 2>/dev/null; then
            echo "the server ended before it was ready:" >&2
            complain "$WORK/server.log"
        fi
        sleep 0.1
    done
    echo READY
    # Whoever started this holds the other end of stdin: when they are gone, so is the server.
    while kill -0 "$server" 2>/dev/null; do
        read -r -t 1 _ <&3 && continue
        [ $? -gt 128 ] || break
    done
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
}
