//! What the actions on policies of keys share.

use crate::wire::Code;

pub(in crate::actions) const KEY_POLICY_CODES: &[Code] = &[
    Code::KeyNotFound,
    Code::AliasUnsupported,
    Code::UnsupportedOperation,
    Code::KeyPolicyUnsupported,
    Code::ResourceNotFound,
];
