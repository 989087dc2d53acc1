#!/usr/bin/env bash
# The root key stays wrapped by a KMS: it is made there, kept as a ciphertext, and unwrapped at each start.
# Here the KMS is the Sesame at SESAME_URL. With Alibaba Cloud's KMS, KMS_URL is https://kms.cn-hangzhou.aliyuncs.com.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../curl/kms.sh"
export KMS_URL=${SESAME_URL:-http://127.0.0.1:7070} KMS_ACCESS_KEY_ID=test KMS_ACCESS_KEY_SECRET=test
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Once: a key of the KMS, and a root key that it makes. Only the ciphertext leaves the KMS.
key=$(kms CreateKey Description=root-keys | sed -n 's/.*"KeyId":"\([^"]*\)".*/\1/p')
kms GenerateDataKeyWithoutPlaintext "KeyId=$key" NumberOfBytes=32 |
  sed -n 's/.*"CiphertextBlob":"\([^"]*\)".*/\1/p' >"$work/root.key.wrapped"

# At each start.
export SESAME_DATA_DIR=$work/data SESAME_ROOT_KEY_COMMAND="'$here/unwrap' '$work/root.key.wrapped'"
printf 'secrets: [{ name: a, versions: [{ id: v1, value: one }] }]\n' >"$work/seed.yaml"
env -u SESAME_URL sesame import "$work/seed.yaml"
sesame check | grep '1 secrets checked, 0 damaged places'
test ! -e "$work/data/root.key"

# Without the KMS nothing opens.
kms DisableKey "KeyId=$key"
if sesame check 2>"$work/refused"; then exit 1; fi
grep 'root-key-command' "$work/refused"
