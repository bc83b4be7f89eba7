#!/usr/bin/env bash
# Hayhooks, which serves Haystack pipelines under OpenAI's chat API.  Its one pipeline asks UPSTREAM.
. "$(dirname "$0")/_lib.sh"

export UPSTREAM HAYSTACK_TELEMETRY_ENABLED=False LOG=WARNING PYTHONDONTWRITEBYTECODE=1
cd "$WORK"
serve /status "$ENVIRONMENT/bin/hayhooks" run --host 127.0.0.1 --port "$PORT" --pipelines-dir "$HERE/hayhooks"
