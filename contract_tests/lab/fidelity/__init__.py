"""What a recording loses: odd replies, recorded and replayed with this kit and with other tools, compared.

A raw socket server sends the replies of `replies.py`; each tool records them as its documentation says, then
replays them, and what a client gets is compared with what was sent, property by property. Clients are raw
sockets whose bytes h11 parses. vcrpy replays in process only: it is asked through httpx2 and requests, the
kit's own transport through httpx2; what such a client does not show of the live server is left out.

Settings, chosen for fidelity:

- this kit: `Recorder` and `Playback`; in process `ReplayTransport`, with defaults.
- vcrpy: one cassette in YAML (its JSON refuses binary bodies), `record_mode` once and then none, matching on
  method, URI and body, `filter_headers=["authorization"]`; bodies are not decoded (the default).
- mitmproxy: `mitmdump --mode reverse:… -w`, then `--server-replay` with `server_replay_reuse`,
  `keepserving`, `connection_strategy=lazy` and `server_replay_extra=404`, so that nothing is forwarded,
  and without `server_replay_refresh`, which rewrites dates and cookies. Bodies are not streamed while they
  are recorded, since this version keeps no body that it has streamed.
- aimock: `llmock --record --provider-openai …`, then the recorded fixtures with `--strict`; its recorded
  timings replay at speed 1, which is the default.
"""
