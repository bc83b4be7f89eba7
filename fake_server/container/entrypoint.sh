#!/bin/sh
# The command of the image: `fake-server …` and `contract …` as they are; options alone are those of fake-server.
# The fake listens on all addresses of its container, and answers from the scripts in /fixtures where no others are named.
set -eu
case "${1:-}" in
  fake-server) shift ;;
  -*) ;;
  *) exec "$@" ;;
esac
case "${1:-}" in
  validate | schema) exec fake-server "$@" ;;
esac
scripts=${FIXTURES:-/fixtures}
for word in "$@"; do
  case "$word" in
    --replay | --replay=*) exec fake-server "$@" ;; # listens on 127.0.0.1 only
    --scripts | --scripts=*) scripts= ;;
  esac
done
for file in ${scripts:+"$scripts"/*.yaml "$scripts"/*.yml}; do
  [ -f "$file" ] || continue
  # what a file is stands in its first line that is no comment; the kit begins a baseline with several
  case "$(sed -n '1s/^\xef\xbb\xbf//; /^[[:space:]]*$/d; /^[[:space:]]*#/d; /^---/d; /^%/d; p; q' "$file")" in
    openai-contract-* | \"openai-contract-* | \'openai-contract-*) ;; # a recording, a baseline or a profile
    *) set -- "$@" --scripts "$file" ;;
  esac
done
exec fake-server --host 0.0.0.0 "$@"
