#!/usr/bin/env bash
# Portkey's AI gateway.  It holds no routes: the request headers x-portkey-provider and
# x-portkey-custom-host say where to go, and a loopback host is taken only from TRUSTED_CUSTOM_HOSTS.
#
# portkey/package.json holds @hono/node-server back: with the newest one the gateway answers 500 to every
# stream and list, because it appends to headers that are immutable by then.
. "$(dirname "$0")/_lib.sh"

export TRUSTED_CUSTOM_HOSTS=127.0.0.1,localhost NODE_ENV=production
cd "$WORK"
serve / node --require "$HERE/portkey/loopback.cjs" \
    "$ENVIRONMENT/node_modules/@portkey-ai/gateway/build/start-server.js" "--port=$PORT" --headless
