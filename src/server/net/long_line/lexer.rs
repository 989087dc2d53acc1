//! Parts of a message's head: request lines, methods, numbers, classes of bytes.

use std::io::BufRead;

/// The longest method of a request line that is rewritten, in bytes.
const MAX_METHOD: usize = 32;
/// A request line that hyper may accept: a method, a target, and `HTTP/1.0` or `HTTP/1.1`.
pub(super) struct RequestLine<'a> {
    pub(super) method: &'a [u8],
    pub(super) target: &'a [u8],
    pub(super) http10: bool,
}

impl<'a> RequestLine<'a> {
    /// Parses a line without its LF.
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

/// The method at the start of a request line.
pub(super) enum Method {
    /// It has this many bytes and is followed by a space.
    Of(usize),
    /// Its end has not arrived.
    Open,
    /// It is not a method, or longer than [`MAX_METHOD`].
    Bad,
}

pub(super) fn method(line: &[u8]) -> Method {
    match line.iter().take(MAX_METHOD + 1).position(|byte| !is_token(*byte)) {
        Some(at) if at > 0 && line[at] == b' ' => Method::Of(at),
        None if line.len() <= MAX_METHOD => Method::Open,
        _ => Method::Bad,
    }
}

/// The position of the first LF.
pub(super) fn newline(bytes: &[u8]) -> Option<usize> {
    // Unlike `position`, this search of the standard library uses wide instructions.
    let mut rest = bytes;
    let last = rest.skip_until(b'\n').ok()?.checked_sub(1)?;
    (bytes[last] == b'\n').then_some(last)
}

/// A number of digits only, as hyper reads it. The two largest numbers have another meaning in hyper, so they are refused.
pub(super) fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok().filter(|length| *length < u64::MAX - 1)
}

/// Whether a byte may be in a method or in the name of a header (RFC 9110, 5.6.2).
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

/// Whether a byte is not allowed in a header line.
pub(super) const fn is_control(byte: u8) -> bool {
    byte.is_ascii_control() && byte != b'\t'
}

/// Whether a byte is ASCII and [`http::Uri`] accepts it in a query.
pub(super) const fn is_uri_byte(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x24..=0x3b | 0x3d | 0x3f..=0x7e)
}
