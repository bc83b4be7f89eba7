#!/usr/bin/env bash
# LiteLLM's proxy without a database; every model it lists is asked of UPSTREAM.  It starts only with a
# strong master key, which clients send: SERVER_KEY.
. "$(dirname "$0")/_lib.sh"

{
    echo "model_list:"
    for model in gpt-3.5-turbo gpt-4o gpt-4o-mini text-embedding-3-small; do
        cat <<YAML
  - model_name: $model
    litellm_params: {model: openai/$model, api_base: "$UPSTREAM", api_key: contract-kit-upstream}
YAML
    done
    cat <<YAML
litellm_settings: {telemetry: false, num_retries: 0}
router_settings: {num_retries: 0, disable_cooldowns: true}
general_settings: {disable_error_logs: true, master_key: "$SERVER_KEY"}
YAML
} >"$WORK/config.yaml"

# The list of prices comes from the package, not from the network.
export LITELLM_LOCAL_MODEL_COST_MAP=True HF_HUB_OFFLINE=1
export LITELLM_MODE=PRODUCTION NO_DOCS=True NO_REDOC=True DISABLE_ADMIN_UI=True
cd "$WORK"
serve /health/liveliness "$ENVIRONMENT/bin/litellm" --config "$WORK/config.yaml" \
    --host 127.0.0.1 --port "$PORT" --telemetry False --num_workers 1
