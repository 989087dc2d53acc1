//! GetChallenge: refused, because there are no enclaves.

use crate::actions::shared::refused::Refused;

pub(in crate::actions) const GET_CHALLENGE: Refused = Refused::enclave("GetChallenge", &[]);
