//! GetDefaultKmsInstance: refused, because there are no KMS instances.

use crate::actions::shared::refused::Refused;

pub(in crate::actions) const GET_DEFAULT_KMS_INSTANCE: Refused =
    Refused::instance("GetDefaultKmsInstance", &[]);
