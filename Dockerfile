# wxcode in a container: the two programs on Debian, with git and Claude Code.
#
#   docker build -t wxcode .
#   docker run -p 127.0.0.1:8052:8052 -v wxcode:/data -v claude:/home/wxcode -v "$PWD":/work wxcode
#
# docs/container.md walks through it.

FROM node:24-bookworm-slim AS page
WORKDIR /src/web
COPY web/package.json web/package-lock.json ./
RUN npm ci --ignore-scripts
COPY web ./
RUN npm run build

FROM rust:1.95-bookworm AS programs
WORKDIR /src
COPY . .
COPY --from=page /src/web/dist web/dist
RUN cargo build --release --locked -p wxcode -p wxcode-holder \
    && install -D -t /out target/release/wxcode target/release/wxcode-holder

FROM node:24-bookworm-slim
ARG CLAUDE_CODE=latest
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates git openssh-client ripgrep \
    && rm -rf /var/lib/apt/lists/* \
    && npm install -g "@anthropic-ai/claude-code@${CLAUDE_CODE}" \
    && useradd --create-home --uid 10001 wxcode \
    && install -d -o wxcode -g wxcode -m 700 /data /work
COPY --from=programs /out/ /usr/local/bin/
USER 10001:10001
ENV HOME=/home/wxcode WXCODE_DATA_DIR=/data LANG=C.UTF-8
VOLUME ["/data", "/home/wxcode"]
WORKDIR /work
EXPOSE 8052
# As the first process it reaps orphaned processes. SIGTERM ends the server, and with the container
# its agents: the next start resumes their conversations.
ENTRYPOINT ["wxcode"]
CMD ["serve", "--listen", "0.0.0.0:8052", "--behind-proxy"]
