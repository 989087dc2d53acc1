//! Keys, secrets and accounts as a file: seeds, exports, imports.
//!
//! [`mod@file`] is the form and [`mod@parse`] parses it. [`mod@write`] exports a server's data. [`read`] validates a file
//! and converts it to records; an error names line and field. [`seed`] applies a file to a server, and changes nothing
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
