//! The file of the root key.

use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context;
use zeroize::Zeroizing;

use crate::crypto::{RootKey, SymmetricKey};
use crate::ports::Entropy;
use crate::ports::private_file::{self, Existing, PRIVATE};

/// The root key's file in the data directory.
pub(super) const KEY_FILE: &str = "root.key";
/// The next root key's file, while the root key is changed.
pub(super) const NEXT_KEY_FILE: &str = "root.key.next";

/// Reads a root key from a file such as root.key.
pub(super) fn read(path: &Path) -> anyhow::Result<RootKey> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map(Zeroizing::new);
    let text = text.with_context(|| format!("cannot read the root key file {shown}"))?;
    let key = SymmetricKey::parse(text.trim()).ok();
    let key = key.with_context(|| format!("the root key file {shown} does not hold a key"))?;
    Ok(RootKey::from_key(&key)?)
}

/// The key in the file, and false; for a new database without a file, a fresh key, and true.
pub(super) fn read_or_make(
    path: &Path,
    is_new: bool,
    entropy: &dyn Entropy,
) -> anyhow::Result<(SymmetricKey, bool)> {
    let shown = path.display();
    match std::fs::read_to_string(path).map(Zeroizing::new) {
        Ok(text) => {
            let key = SymmetricKey::parse(text.trim()).ok();
            Ok((key.with_context(|| format!("the root key file {shown} does not hold a key"))?, false))
        }
        Err(error) if error.kind() == ErrorKind::NotFound && is_new => {
            Ok((SymmetricKey::generate(&mut *entropy.rng()), true))
        }
        Err(error) => Err(error).with_context(|| format!("cannot read the root key file {shown}")),
    }
}

/// Writes a new key durably, readable by its owner only, before anything is sealed with it.
///
/// # Errors
/// When the file exists or cannot be written.
pub(super) fn write_new(path: &Path, key: &SymmetricKey) -> anyhow::Result<()> {
    let mut text = key.to_hex();
    text.push('\n');
    // The key of a faster process stays.
    private_file::write(path, text.as_bytes(), PRIVATE, Existing::Keep)
        .with_context(|| format!("cannot write the root key file {}", path.display()))
}
