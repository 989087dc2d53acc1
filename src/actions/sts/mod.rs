//! The actions of the product Sts: temporary credentials.

pub(super) mod assume_role;
pub(super) mod assume_role_with_oidc;
pub(super) mod get_caller_identity;
mod shared;
