//! The words of a message's head.

use std::io::BufRead;

/// The longest method whose request line is rewritten, in bytes.
const MAX_METHOD: usize = 32;
/// A request line that hyper may take: a method, a target, `HTTP/1.0` or `HTTP/1.1`.
pub(super) struct RequestLine<'a> {
    pub(super) method: &'a [u8],
    pub(super) target: &'a [u8],
    pub(super) http10: bool,
}

impl<'a> RequestLine<'a> {
    /// Takes a line without its LF apart.
    pub(super) fn parse(line: &'a [u8]) -> Option<Self> {
        let Method::Of(length) = method(line) else { return None };
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (rest, version) = line.split_last_chunk::<9>()?;
        let http10 = match version {
            b" HTTP/1.1" => false,
            b" HTTP/1.0" => true,
            _ => return None,
        };
        Some(Self { method: &line[..length], target: rest.get(length + 1..)?, http10 })
    }
}

/// What the beginning of a request line says of its method.
pub(super) enum Method {
    /// It has so many bytes, and a space comes after it.
    Of(usize),
    /// Its end has not come.
    Open,
    /// It is none, or over [`MAX_METHOD`].
    Bad,
}

pub(super) fn method(line: &[u8]) -> Method {
    match line.iter().take(MAX_METHOD + 1).position(|byte| !is_token(*byte)) {
        Some(at) if at > 0 && line[at] == b' ' => Method::Of(at),
        None if line.len() <= MAX_METHOD => Method::Open,
        _ => Method::Bad,
    }
}

/// Where the first LF is.
pub(super) fn newline(bytes: &[u8]) -> Option<usize> {
    // The search of the standard library that uses wide instructions, as `position` does not.
    let mut rest = bytes;
    let last = rest.skip_until(b'\n').ok()?.checked_sub(1)?;
    (bytes[last] == b'\n').then_some(last)
}

/// Digits only, as hyper reads them; its two largest numbers mean something else there.
pub(super) fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok().filter(|length| *length < u64::MAX - 1)
}

/// A character of a method or of a header's name (RFC 9110, 5.6.2).
pub(super) const fn is_token(byte: u8) -> bool {
    const TOKEN: [bool; 256] = {
        let mut table = [false; 256];
        let mut byte = 0_u8;
        while byte < 128 {
            table[byte as usize] = byte.is_ascii_alphanumeric()
                || matches!(
                    byte,
                    b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`'
                )
                || matches!(byte, b'|' | b'~');
            byte += 1;
        }
        table
    };
    TOKEN[byte as usize]
}

/// A byte that no header line may have.
pub(super) const fn is_control(byte: u8) -> bool {
    byte.is_ascii_control() && byte != b'\t'
}

/// An ASCII byte that [`http::Uri`] takes in a query.
pub(super) const fn is_uri_byte(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x24..=0x3b | 0x3d | 0x3f..=0x7e)
}
