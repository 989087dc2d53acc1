# Sesame as an image: one static program, nothing else.
#
#   docker build -t sesame .
#   docker buildx build --platform linux/amd64,linux/arm64 -t sesame .
#
# The compiler runs on the machine's own architecture and compiles for the image's; nothing is emulated. The C library is
# glibc, linked in: the target that is developed and measured on, with its allocator, and not musl.
FROM --platform=$BUILDPLATFORM rust:1.95-slim-bookworm AS build
ARG BUILDARCH
ARG TARGETARCH
WORKDIR /src
RUN set -eu; \
    case "$TARGETARCH" in \
      amd64) cpu=x86_64 package=x86-64 ;; \
      arm64) cpu=aarch64 package=aarch64 ;; \
      *) echo "Sesame has no image for the architecture $TARGETARCH" >&2; exit 1 ;; \
    esac; \
    if [ "$TARGETARCH" != "$BUILDARCH" ]; then \
      rustup target add "$cpu-unknown-linux-gnu"; \
      apt-get update; \
      apt-get install -y --no-install-recommends "gcc-$package-linux-gnu" "libc6-dev-$TARGETARCH-cross"; \
      rm -rf /var/lib/apt/lists/*; \
    fi; \
    mkdir /.cargo; \
    printf '%s\n' '[build]' "target = '$cpu-unknown-linux-gnu'" "rustflags = ['-Ctarget-feature=+crt-static']" \
      "[target.$cpu-unknown-linux-gnu]" "linker = '$cpu-linux-gnu-gcc'" >/.cargo/config.toml
# The dependencies, in a layer of their own that stays until they change.
COPY Cargo.toml Cargo.lock build.rs ./
RUN mkdir src && touch src/lib.rs && echo 'fn main() {}' >src/main.rs && cargo build --locked --release
COPY . .
ARG REVISION
# Touched, because files of the context may be older than what was built from the empty program.
RUN touch src/lib.rs src/main.rs && SESAME_COMMIT="$REVISION" cargo build --locked --release && \
    mkdir -p /image/usr/local/bin /owned/data && chmod 700 /owned/data && \
    cp target/*/release/sesame /image/usr/local/bin/

FROM scratch
ARG VERSION=unreleased
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Sesame" \
      org.opencontainers.image.description="Alibaba Cloud Secrets Manager (KMS API 2016-01-20) as one small program" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=build /image/ /
COPY --from=build --chown=10001:10001 /owned/ /
# Nothing but the volume is written to; SQLite's temporary files, too, go there.
ENV SESAME_LISTEN=0.0.0.0:7070 SESAME_DATA_DIR=/data TMPDIR=/data
USER 10001:10001
VOLUME /data
EXPOSE 7070
STOPSIGNAL SIGTERM
# It asks where SESAME_LISTEN says; a server that is given --listen wants SESAME_LISTEN instead.
HEALTHCHECK --interval=5s --timeout=4s --start-period=10s CMD ["/usr/local/bin/sesame", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/sesame"]
CMD ["serve"]
