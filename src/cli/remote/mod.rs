//! The signed client of the commands that read and change secrets: where it talks to, with which credentials, and what its
//! failures mean.

pub(super) mod api;
pub(super) mod consent;
pub(super) mod credentials;
pub(super) mod failure;
pub(super) mod keys;
mod profiles;
pub(super) mod prompt;
mod sessions;
mod wire;
