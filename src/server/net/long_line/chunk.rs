//! Tracks a chunked body byte by byte.

/// What the next byte of a chunked body is. The numbers are the size of the chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chunk {
    /// The first digit of a size.
    Start,
    /// Another digit of a size, or the end of it.
    Size(u64),
    /// Space after a size.
    Space(u64),
    /// A chunk extension.
    Extension(u64),
    /// The LF after a size.
    SizeLf(u64),
    /// Data, with this many bytes left.
    Data(u64),
    /// The CR after the data.
    DataCr,
    /// The LF after the data.
    DataLf,
    /// The first byte of a trailer, or the CR of the empty line that ends the body.
    TrailerStart,
    /// A trailer.
    Trailer,
    /// The LF after a trailer.
    TrailerLf,
    /// The last LF of the body.
    End,
}

impl Chunk {
    /// What the byte after this one is; `None` when this byte is wrong. `End` after `End` means that the body is over.
    pub(super) fn next(self, byte: u8) -> Option<Self> {
        let next = match (self, byte) {
            (Self::Start, digit) => Self::Size(hex(digit)?),
            (Self::Size(size) | Self::Space(size), b' ' | b'\t') => Self::Space(size),
            (Self::Size(size) | Self::Space(size), b';') => Self::Extension(size),
            (Self::Size(size) | Self::Space(size) | Self::Extension(size), b'\r') => Self::SizeLf(size),
            (Self::Size(size), digit) => Self::Size(size.checked_mul(16)?.checked_add(hex(digit)?)?),
            (Self::SizeLf(0) | Self::TrailerLf, b'\n') => Self::TrailerStart,
            (Self::SizeLf(size), b'\n') => Self::Data(size),
            (Self::DataCr, b'\r') => Self::DataLf,
            (Self::DataLf, b'\n') => Self::Start,
            (Self::TrailerStart, b'\r') | (Self::End, b'\n') => Self::End,
            (Self::Trailer, b'\r') => Self::TrailerLf,
            (_, b'\n') => return None,
            (Self::Extension(size), _) => Self::Extension(size),
            (Self::TrailerStart | Self::Trailer, _) => Self::Trailer,
            _ => return None,
        };
        Some(next)
    }
}

fn hex(digit: u8) -> Option<u64> {
    char::from(digit).to_digit(16).map(u64::from)
}
