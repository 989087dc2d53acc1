//! Keys, secrets and accounts as a file: seeds, exports, imports.
//!
//! [`mod@file`] is the form; [`mod@parse`] reads it; [`mod@write`] makes it from what a server holds; [`read`] makes it into what a server can hold, or
//! says what is wrong with it, with line and field; [`seed`] brings a server to what a file says, and changes nothing
//! the second time.

pub mod file;
mod managed;
pub mod parse;
mod problem;
pub mod read;
mod read_keys;
mod read_secrets;
mod reader;
pub mod seed;
mod times;
mod warnings;
pub mod write;

pub use problem::{Cause, Problem};
pub use warnings::warnings;
