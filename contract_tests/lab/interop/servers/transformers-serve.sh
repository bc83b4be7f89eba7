#!/usr/bin/env bash
# `transformers serve` on the CPU over a model with random weights.  It answers by itself: UPSTREAM is not asked.
. "$(dirname "$0")/_lib.sh"

if [ ! -f "$WORK/tiny-chat/config.json" ]; then
    "$ENVIRONMENT/bin/python" "$HERE/transformers-serve/tiny_torch.py" "$WORK/tiny-chat" \
        >"$WORK/model.log" 2>&1 || complain "$WORK/model.log"
fi

export HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1 HF_HUB_DISABLE_TELEMETRY=1 TOKENIZERS_PARALLELISM=false
export OMP_NUM_THREADS=1 HF_HOME="$WORK/home/hf"
# It lists the models in this folder, and answers 500 where there is none.
mkdir -p "$HF_HOME/hub"
cd "$WORK"
serve /health "$ENVIRONMENT/bin/transformers" serve --host 127.0.0.1 --port "$PORT" --device cpu --default-seed 7
