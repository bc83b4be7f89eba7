# What the scripts beside this file share; it is sourced.
#
#   NAME.sh ENVIRONMENT WORKDIR PORT UPSTREAM     serves on 127.0.0.1:PORT until TERM or until stdin ends
#
# ENVIRONMENT holds what is installed (bin/ of a venv, or node_modules/); WORKDIR is for what the server writes.
# UPSTREAM is a base URL with /v1.  READY is printed once the server answers; what the server itself prints goes
# to WORKDIR/server.log.  PYTHON names the kit's interpreter.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PYTHON=${PYTHON:-python3}
if [ $# != 4 ]; then
    echo "usage: $(basename "$0") ENVIRONMENT WORKDIR PORT UPSTREAM" >&2
    exit 2
fi
ENVIRONMENT=$1
mkdir -p "$2/home"
WORK=$(cd "$2" && pwd)
PORT=$3
UPSTREAM=${4%/}
exec 3<&0

# complain LOG: print the end of a log, and fail.
complain() {
    grep -v '^WARNING' "$1" | tail -8 >&2 || true
    exit 1
}

# status PATH: print the status code of the reply to GET PATH, or nothing.
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
