#!/usr/bin/env bash
# lm-proxy, which reads each answer into objects of its own and writes it anew.
. "$(dirname "$0")/_lib.sh"

cat >"$WORK/config.toml" <<TOML
host = "127.0.0.1"
port = $PORT
dev_autoreload = false
api_key_check = {class = "lm_proxy.api_key_check.AllowAll"}

[connections.upstream]
api_type = "open_ai"
api_base = "$UPSTREAM/"
api_key = "$SERVER_KEY"

[routing]
"*" = "upstream.*"

[groups.default]
allowed_connections = "*"
TOML
cd "$WORK"
serve /v1/models "$ENVIRONMENT/bin/lm-proxy" --config config.toml
