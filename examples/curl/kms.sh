# Signed calls from bash: kms ACTION [NAME=VALUE …]. Needs curl and openssl. The signature is RPC v1, HMAC-SHA1.
#   SESAME_URL   default http://127.0.0.1:7070
#   ACCESS_KEY_ID, ACCESS_KEY_SECRET   default test, test
# shellcheck shell=bash

# Encodes bytes other than A-Z a-z 0-9 - _ . ~ as %XX.
kms_encode() {
  local LC_ALL=C text=$1 out='' i byte
  for ((i = 0; i < ${#text}; i++)); do
    byte=${text:i:1}
    case $byte in
      [A-Za-z0-9_.~-]) out+=$byte ;;
      *) printf -v byte '%%%02X' "'$byte" && out+=$byte ;;
    esac
  done
  printf %s "$out"
}

kms() {
  local action=$1 pair pairs=() query signature
  shift
  for pair in "Action=$action" Version=2016-01-20 Format=JSON SignatureMethod=HMAC-SHA1 SignatureVersion=1.0 \
    "AccessKeyId=${ACCESS_KEY_ID:-test}" "SignatureNonce=$(openssl rand -hex 16)" "Timestamp=$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$@"; do
    pairs+=("$(kms_encode "${pair%%=*}")=$(kms_encode "${pair#*=}")")
  done
  query=$(printf '%s\n' "${pairs[@]}" | LC_ALL=C sort | paste -sd '&' -)
  signature=$(printf %s "POST&%2F&$(kms_encode "$query")" | openssl dgst -sha1 -hmac "${ACCESS_KEY_SECRET:-test}&" -binary | openssl base64)
  curl --silent --show-error --fail-with-body --data "$query&Signature=$(kms_encode "$signature")" "${SESAME_URL:-http://127.0.0.1:7070}/"
  echo
}
