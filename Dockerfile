# The gateway. It needs no init process: it ends its media workers itself, and takes SIGTERM as the order to drain.
# docs/deployment.md says how to run it.

FROM node:20.19.5-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY tsconfig.json ./
COPY scripts scripts
COPY src src
COPY sdk sdk
COPY assets assets
RUN npm run build

FROM node:20.19.5-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev

FROM node:20.19.5-bookworm-slim
WORKDIR /app
ENV NODE_ENV=production \
    LANDBRIDGE_DATA_DIR=/var/lib/landbridge
# Nothing but the data directory is ever written, so the root file system may be read-only.
RUN install -d -o 10001 -g 10001 -m 0700 /var/lib/landbridge
COPY --from=dependencies /app/node_modules node_modules
COPY package.json LICENSE README.md ./
COPY assets assets
COPY docker/healthcheck.mjs docker/healthcheck.mjs
COPY --from=build /app/dist dist
USER 10001:10001
VOLUME /var/lib/landbridge
# HTTP and WebSockets; SIP where no drachtio-server stands in front. Audio comes to LANDBRIDGE_RTP_PORTS: publishing
# thousands of ports is no use, run it in the host's network.
EXPOSE 8080/tcp 5060/udp 5060/tcp
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 CMD ["node", "docker/healthcheck.mjs"]
ENTRYPOINT ["node", "dist/main.js"]
CMD ["serve"]
