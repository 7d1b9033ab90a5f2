# syntax=docker/dockerfile:1
# The major version of Node is the one of "engines" in package.json; a test holds the two together.
FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Production packages only, and no install scripts: none of them needs one.
RUN npm ci --omit=dev --ignore-scripts && npm cache clean --force

FROM node:24-bookworm-slim
RUN apt-get update \
  && apt-get install --yes --no-install-recommends tini \
  && rm -rf /var/lib/apt/lists/* \
  && install --directory --owner=node --group=node /app /app/data
WORKDIR /app
ENV NODE_ENV=production \
    INTERLOCK_CONFIG=/app/config \
    INTERLOCK_MAPPINGS=/app/mappings
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json ./
COPY cli ./cli
COPY routes ./routes
COPY core ./core
COPY connectors ./connectors
COPY mappings ./mappings
COPY config ./config
USER node
# Everything but the store may be read-only: docker run --read-only --tmpfs /tmp -v interlock-data:/app/data ...
VOLUME /app/data
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "cli/health.ts"]
# PID 1 must pass signals on and reap children; SIGTERM drains.
ENTRYPOINT ["tini", "--", "node", "cli/interlock.ts"]
CMD ["serve"]
STOPSIGNAL SIGTERM
