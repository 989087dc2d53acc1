#!/usr/bin/env bash
# The aliyun command line with a profile that points at the local server. --insecure means plain HTTP.
set -euo pipefail
address=${SESAME_URL:-http://127.0.0.1:7070}
profile=$(mktemp)
trap 'rm -f "$profile"' EXIT
sed "s/127.0.0.1:7070/${address#http://}/" "$(dirname "$0")/config.json" >"$profile"
kms() { aliyun kms "$@" --config-path "$profile" --insecure; }

kms CreateSecret --SecretName examples/cli --VersionId v1 --SecretData first
kms PutSecretValue --SecretName examples/cli --VersionId v2 --SecretData second
kms GetSecretValue --SecretName examples/cli | grep '"SecretData": "second"'
kms DeleteSecret --SecretName examples/cli --ForceDeleteWithoutRecovery true
