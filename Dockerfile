# Both commands in one small image: `docker build -t openai-contract-kit .` (see fake_server/container/README.md)
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
COPY . /source
RUN python3 -m venv /kit \
    && /kit/bin/python -m pip install --no-cache-dir --disable-pip-version-check \
       --constraint /source/constraints.txt '/source[contract,replay,websocket]' \
    && /kit/bin/python -m pip uninstall --yes --quiet pip

FROM ${BASE}
LABEL org.opencontainers.image.title="openai-contract-kit" \
      org.opencontainers.image.description="A fake OpenAI server, and a contract suite that judges any server" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /kit /kit
COPY fake_server/container/entrypoint.sh /usr/local/bin/openai-contract-kit
ENV PATH=/kit/bin:/usr/local/bin:/usr/bin:/bin PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# Numbers, by which Kubernetes sees that it is not root; they need no entry in /etc/passwd.
USER 10001:10001
WORKDIR /fixtures
EXPOSE 1337
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python3", "-c", "import urllib.request as r; r.build_opener(r.ProxyHandler({})).open('http://127.0.0.1:1337/health', timeout=2)"]
ENTRYPOINT ["openai-contract-kit"]
CMD ["fake-server"]
