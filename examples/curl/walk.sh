#!/usr/bin/env bash
# Create, read, put and read the previous version, with signed requests; a wrong AccessKey secret is refused.
set -euo pipefail
. "$(dirname "$0")/kms.sh"

kms CreateSecret SecretName=examples/curl VersionId=v1 'SecretData=first + 中文 & more'
kms PutSecretValue SecretName=examples/curl VersionId=v2 SecretData=second
kms GetSecretValue SecretName=examples/curl | grep '"SecretData":"second"'
kms GetSecretValue SecretName=examples/curl VersionStage=ACSPrevious | grep '"SecretData":"first + 中文 & more"'
(ACCESS_KEY_SECRET=wrong kms GetSecretValue SecretName=examples/curl || true) | grep -o '"Code":"SignatureDoesNotMatch"'
kms DeleteSecret SecretName=examples/curl ForceDeleteWithoutRecovery=true
