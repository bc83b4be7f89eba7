#!/usr/bin/env bash
# llama.cpp's own HTTP server over a model with random weights.  No registry carries the program itself;
# xllamacpp carries its code, compiled.  It answers by itself: UPSTREAM is not asked.
. "$(dirname "$0")/_lib.sh"

"$PYTHON" "$HERE/llama-server/tiny_gguf.py" "$WORK/tiny-random.gguf"
cd "$WORK"
serve /health "$ENVIRONMENT/bin/python" "$HERE/llama-server/serve.py" "$WORK/tiny-random.gguf" "$PORT" "$SERVER_KEY"
