//! The wire protocol as pure functions: parameters, signatures, error codes, encodings. No I/O, no async.

pub mod canonical;
pub mod code;
pub mod encode;
pub mod error;
pub mod fields;
pub mod params;
pub mod reason;
mod request_id;
pub mod signature;
pub mod values;

pub use code::Code;
pub use encode::Format;
pub use error::ApiError;
pub use fields::Fields;
pub use request_id::RequestId;
pub use values::{Disclosed, SecretText};
