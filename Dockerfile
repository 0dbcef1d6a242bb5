# The binary on a distroless base; tests/support/cluster/image.rs lays the test image out the same way.
FROM docker.io/library/rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /src/target/release/lanyard /usr/local/bin/lanyard
USER 65532:65532
EXPOSE 8080 9090
ENTRYPOINT ["/usr/local/bin/lanyard"]
