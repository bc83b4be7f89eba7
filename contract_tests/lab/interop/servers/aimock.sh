#!/usr/bin/env bash
# CopilotKit's aimock, a mock server: its one fixture answers what asks for a poem, and UPSTREAM the rest.
. "$(dirname "$0")/_lib.sh"

export NODE_ENV=production DO_NOT_TRACK=1
cd "$WORK"
serve /v1/models "$ENVIRONMENT/node_modules/.bin/llmock" --host 127.0.0.1 --port "$PORT" \
    --fixtures "$HERE/aimock/fixtures" --proxy-only --provider-openai "${UPSTREAM%/v1}"
