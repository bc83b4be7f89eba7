#!/usr/bin/env bash
# gpt4free's OpenAI-compatible API.  An http(s) URL given as --provider becomes an OpenAI-style provider on
# that base URL, so that no public provider is asked.  A client's bearer token of more than eight
# characters is passed upstream.
. "$(dirname "$0")/_lib.sh"

export G4F_CONFIG_DIR="$WORK/config" G4F_CACHE_DIR="$WORK/cache"
mkdir -p "$WORK/run"

# While it is imported, g4f fetches a list of providers, and ends where there is no network.  A list that
# was kept on the same day is taken instead: here one with our upstream alone.
days=$("$PYTHON" -c 'import datetime as d; t = d.date.today(); print(t, t + d.timedelta(1))')
for day in $days; do
    mkdir -p "$G4F_CACHE_DIR/.models/$day"
    printf '{"providers": {"default": {"baseUrl": "%s"}}, "defaultModels": {"default": "gpt-4o-mini"}}\n' \
        "$UPSTREAM" >"$G4F_CACHE_DIR/.models/$day/providers.json"
done
cd "$WORK/run"
serve /v1 "$ENVIRONMENT/bin/python" -m g4f.cli api --bind "127.0.0.1:$PORT" --no-gui --disable-colors \
    --ignore-cookie-files --disable-pa-auto-download --provider "$UPSTREAM" --timeout 60 --stream-timeout 60
