"""Real third-party servers, judged by the contract: proxies before the kit's fake, and inference servers.

Each server has an entry in `catalogue`, a script and pins in `servers/`, and in `expected.toml` the rules
that it is known to break. Servers listen on 127.0.0.1; only their installs use the network.
"""
