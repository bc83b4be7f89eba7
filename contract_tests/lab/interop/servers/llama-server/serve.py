"""Run llama.cpp's own HTTP server, as xllamacpp carries it: `serve.py MODEL.gguf PORT KEY`."""

# mypy: ignore-errors
# It runs in the environment of its server, which is not the kit's.

import sys
import threading

from xllamacpp import CommonParams, Server, llama_pooling_type

params = CommonParams()
params.model.path = sys.argv[1]
params.model_alias = {"tiny-random"}
params.hostnames = ["127.0.0.1"]
params.port = int(sys.argv[2])
params.api_keys = [sys.argv[3]]
params.offline = True
params.ui = False
params.n_ctx = 8192
params.n_parallel = 4
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
params.sampling.seed = 7
params.embedding = True
params.pooling_type = llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
server = Server(params)
print(f"{server.listening_address} is served", flush=True)
threading.Event().wait()
