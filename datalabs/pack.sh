#!/bin/sh
# Write the two folders that become datalabs, to be uploaded: pack.sh FOLDER WHEEL [BASE]
set -eu
target=$1 wheel=$2 base=${3:-debian:bookworm-slim}
cd "$(dirname "$0")/.."
for name in page lab; do
    extra=serve
    [ $name = page ] || extra=lab
    rm -rf "$target/$name"
    mkdir -p "$target/$name"
    cp datalabs/start.sh datalabs/$name/* "$wheel" "$target/$name/"
    cp web/src/icon.svg "$target/$name/logo.svg"
    sed "s|^ARG BASE=.*|ARG BASE=$base|; s|^ARG EXTRA=.*|ARG EXTRA=$extra|" datalabs/Dockerfile > "$target/$name/Dockerfile"
done
cp -R notebooks "$target/lab/"
