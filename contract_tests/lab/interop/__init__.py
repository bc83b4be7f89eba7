"""Real third-party servers, judged by the contract: proxies before the kit's fake, and inference servers.

Each server has an entry in `catalogue`, a script in `servers/` and its rules with MUST findings in
`expected.toml`. The scripts run on 127.0.0.1; only their installs use the network.
"""
