//! UpdateSecretRotationPolicy: refused, as the service refuses it for a generic secret.

use crate::actions::endpoint::Parameter;
use crate::actions::shared::refused::Refused;

pub(in crate::actions) const UPDATE_SECRET_ROTATION_POLICY: Refused = Refused::rotation(
    "UpdateSecretRotationPolicy",
    &[
        Parameter::required("SecretName"),
        Parameter::required("EnableAutomaticRotation"),
        Parameter::optional("RotationInterval"),
    ],
);
