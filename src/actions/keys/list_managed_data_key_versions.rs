//! ListManagedDataKeyVersions: refused, because there are no managed data keys.

use crate::actions::endpoint::Parameter;
use crate::actions::shared::refused::Refused;

pub(in crate::actions) const LIST_MANAGED_DATA_KEY_VERSIONS: Refused =
    Refused::enclave("ListManagedDataKeyVersions", &[Parameter::required("DataKeyName")]);
