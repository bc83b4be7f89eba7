"""Real third-party servers in front of the kit's fake, judged by the contract.

Each server has an entry in `catalogue`, a script in `servers/` and its rules with MUST findings in
`expected.toml`. The scripts run on 127.0.0.1; only their installs use the network.
"""
