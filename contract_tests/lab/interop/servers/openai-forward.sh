#!/usr/bin/env bash
# openai-forward: a reverse proxy that forwards bytes.
. "$(dirname "$0")/_lib.sh"

export FORWARD_CONFIG="[{\"base_url\": \"${UPSTREAM%/v1}\", \"route\": \"/\", \"type\": \"openai\"}]"
export LOG_OPENAI=False LOG_GENERAL=False CACHE_OPENAI=False CACHE_GENERAL=False TIMEOUT=60 TZ=UTC
mkdir -p "$WORK/run"
cd "$WORK/run"
serve /healthz "$ENVIRONMENT/bin/uvicorn" openai_forward.app:app --host 127.0.0.1 --port "$PORT"
