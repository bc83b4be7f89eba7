#!/usr/bin/env bash
# SGLang's model gateway, written in Rust, as a router before one worker of OpenAI's kind.
. "$(dirname "$0")/_lib.sh"

# Its metrics need a port of their own.
metrics=$("$PYTHON" -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
export HF_HUB_OFFLINE=1 HF_HOME="$WORK/home"
cd "$WORK"
serve /v1/models "$ENVIRONMENT/bin/python" -m sglang_router.launch_router --host 127.0.0.1 --port "$PORT" \
    --worker-urls "${UPSTREAM%/v1}" --backend openai \
    --disable-health-check --disable-retries --disable-circuit-breaker \
    --prometheus-host 127.0.0.1 --prometheus-port "$metrics" --log-level warn
