//! Request signatures: [`claim()`] parses one, [`verify()`] checks it. Pure functions over one request.
//!
//! A client proves that it knows a key by a *signature* over a *string to sign*, a text that both sides derive from the
//! request. The server finds the key by the id in the request, derives the same text and checks the signature. Three
//! families are in use. [`claim()`] distinguishes them (protocol P11), and [`verify()`] checks each:
//!
//! - **RPC v1** (`rpc.rs`, protocol P45 to P56): everything is a parameter, including `Signature`. The string to sign is the method,
//!   `%2F`, and the sorted parameters, encoded twice. The key is the secret followed by `&`; HMAC-SHA1 nearly always,
//!   HMAC-SHA256 rarely, or RSA with a client key. Headers and path are not covered.
//! - **ACS3 and ACS4** (`acs.rs`, protocol P57 to P66): the header `Authorization` holds key id, names of the signed headers
//!   and signature. A *canonical request* (method, path, query, those headers, hash of the body) is hashed, and the
//!   string to sign is the algorithm and that hash. HMAC-SHA256, HMAC-SM3 or RSA; ACS4 derives its HMAC key from the
//!   secret, a date, a region and a product.
//! - **Client key** (`client_key.rs`, protocol P74 to P78): the instance gateway with protobuf bodies.
//!   `Authorization: Bearer` holds an RSA signature over method, body hash, type, date and the `x-kms-` headers.
//!
//! A request may also have a bearer token instead of a signature, or neither.
//!
//! [`mod@sign`] is the other side: it signs what the command line sends.
//!
//! The server calls [`claim()`], which only reads; looks up the key by [`SignedClaim::access_key_id`]; compares
//! [`SignedClaim::time_ms`] with the clock (15 minutes, protocol P68); calls [`verify()`]; and only then stores the nonce (protocol P70,
//! P44). No function keeps state or reads a clock, and no check reveals a
//! signature that it computed.

mod acs;
mod claim;
mod client_key;
mod rpc;
pub mod sign;
mod time;
mod types;
mod verify;

pub use claim::claim;
pub use time::{parse_http_date, parse_time};
pub use types::{AuthError, Claim, Material, Scheme, SignedClaim, SignedRequest};
pub use verify::verify;
