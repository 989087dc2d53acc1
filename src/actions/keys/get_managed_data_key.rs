//! GetManagedDataKey: refused, because there are no managed data keys.

use crate::actions::endpoint::Parameter;
use crate::actions::shared::refused::Refused;

pub(in crate::actions) const GET_MANAGED_DATA_KEY: Refused =
    Refused::enclave("GetManagedDataKey", &[Parameter::required("DataKeyName")]);
