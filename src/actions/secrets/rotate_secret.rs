//! RotateSecret: refused, as the service refuses it for a generic secret.

use crate::actions::endpoint::Parameter;
use crate::actions::shared::refused::Refused;

pub(in crate::actions) const ROTATE_SECRET: Refused =
    Refused::rotation("RotateSecret", &[Parameter::required("SecretName"), Parameter::required("VersionId")]);
