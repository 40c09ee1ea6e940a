# A static binary on nothing: no shell, no package manager, no root.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X github.com/svcdown/svcdown/app.Version=${VERSION}" -o /svcdown ./cmd/svcdown

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /svcdown /svcdown
USER 65532:65532
ENTRYPOINT ["/svcdown"]
CMD ["run", "--config", "/etc/svcdown/svcdown.yaml"]
