//! The state machine: which bytes belong to which part of which message.

use super::chunk::Chunk;
use super::header::{InternalHeader, MAX_HEADERS, MAX_TARGET, TOO_LONG};
use super::lexer::{Method, RequestLine, decimal, is_control, is_token, is_uri_byte, method, newline};

/// Targets over this many bytes are rewritten; hyper itself takes 65,534.
const LONG_TARGET: usize = 60_000;
/// The longest that can follow a target on its line: the version and a CR.
const AFTER_TARGET: usize = b" HTTP/1.1\r".len();
/// Lengths in bytes; smaller ones in tests.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// See [`LONG_TARGET`].
    pub(super) long: usize,
    /// See [`MAX_TARGET`].
    pub(super) target: usize,
    /// See [`MAX_HEADERS`].
    pub(super) headers: usize,
}

impl Limits {
    pub(super) const SERVER: Self = Self { long: LONG_TARGET, target: MAX_TARGET, headers: MAX_HEADERS };
}

/// Where in the stream the next byte belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// A request line, or a blank line before it. The part that has come is in `partial`, not yet handed on.
    Line,
    /// A request line that is too long and was handed on as such; what is left of it is dropped.
    Skip,
    /// A header line. The part that has come was handed on, and a copy is in `partial`.
    Header,
    /// A body that has this many bytes to come.
    Body(u64),
    /// A chunked body.
    Chunked(Chunk),
    /// Anything: all bytes are handed on as they are, for hyper to judge.
    Blind,
}

/// What the head of the present message says of its body.
#[derive(Clone, Copy, Default)]
struct Head {
    /// How long the header lines were so far.
    bytes: usize,
    http10: bool,
    length: Option<u64>,
    chunked: bool,
}

/// Follows the messages of one connection; no I/O.
pub(super) struct Machine {
    header: InternalHeader,
    limits: Limits,
    pub(super) state: State,
    head: Head,
    partial: Vec<u8>,
}

impl Machine {
    pub(super) fn new(header: InternalHeader, limits: Limits) -> Self {
        Self { header, limits, state: State::Line, head: Head::default(), partial: Vec::new() }
    }

    /// Follows the bytes that need no change: how many of `input` these are. The others are to go into
    /// `feed`.
    pub(super) fn pass(&mut self, input: &[u8]) -> usize {
        let mut rest = input;
        while !rest.is_empty() {
            let passed = match self.state {
                State::Line if self.partial.is_empty() => self.whole_line(rest),
                State::Line | State::Skip => 0,
                State::Header => self.header_line(rest),
                State::Body(left) => {
                    let (passed, left) = counted(left, rest);
                    self.state = if left == 0 { State::Line } else { State::Body(left) };
                    passed
                }
                State::Chunked(chunk) => self.chunked(chunk, rest),
                State::Blind => rest.len(),
            };
            if passed == 0 {
                break;
            }
            rest = rest.get(passed..).unwrap_or_default();
        }
        input.len() - rest.len()
    }

    /// Follows bytes of any kind, adding to `out` what the reader is to see.
    pub(super) fn feed(&mut self, input: &[u8], out: &mut Vec<u8>) {
        let mut rest = input;
        while !rest.is_empty() {
            let (passed, other) = rest.split_at(self.pass(rest));
            out.extend_from_slice(passed);
            // The first of the other bytes belong to a request line: to its end, or to that of the input.
            let end = newline(other).map(|at| at + 1);
            let (line, after) = other.split_at(end.unwrap_or(other.len()));
            rest = after;
            match self.state {
                State::Skip if end.is_some() => self.state = State::Blind,
                State::Line if !line.is_empty() => {
                    self.partial.extend_from_slice(line);
                    if end.is_some() {
                        self.held_line(out);
                    } else {
                        self.part_of_line(out);
                    }
                }
                _ => {}
            }
        }
    }

    /// The end of the input: what was held back.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        match self.state {
            State::Line => std::mem::take(&mut self.partial),
            _ => Vec::new(),
        }
    }

    /// How many bytes are held: not handed on yet, or a copy of the present header line.
    pub(super) fn held(&self) -> usize {
        self.partial.len()
    }

    /// A request line that is all there and short passes; otherwise nothing does.
    fn whole_line(&mut self, input: &[u8]) -> usize {
        match newline(input) {
            Some(end) if end <= self.limits.long => {
                self.request_line(input.get(..end).unwrap_or_default());
                end + 1
            }
            _ => 0,
        }
    }

    /// Decides on a request line that is held and whose end has not come.
    fn part_of_line(&mut self, out: &mut Vec<u8>) {
        if self.partial == b"\r" {
            return;
        }
        match method(&self.partial) {
            Method::Open => {}
            Method::Bad => {
                self.state = State::Blind;
                out.append(&mut std::mem::take(&mut self.partial));
            }
            Method::Of(length) => {
                if self.partial.len() > self.longest_line(length) {
                    let line = std::mem::take(&mut self.partial);
                    self.too_long(&line, length, out);
                    self.state = State::Skip;
                }
            }
        }
    }

    /// Hands on a request line that is held and complete.
    fn held_line(&mut self, out: &mut Vec<u8>) {
        let held = std::mem::take(&mut self.partial);
        let line = held.strip_suffix(b"\n").unwrap_or(&held);
        if line.len() <= self.limits.long || !self.long_line(line, out) {
            self.request_line(line);
            out.extend_from_slice(&held);
        }
    }

    /// Rewrites a request line (without its LF) whose target is long; false when it is to pass as it is.
    fn long_line(&mut self, line: &[u8], out: &mut Vec<u8>) -> bool {
        let Method::Of(length) = method(line) else { return false };
        if line.len() > self.longest_line(length) {
            self.too_long(line, length, out);
            return true;
        }
        let Some(request) = RequestLine::parse(line) else { return false };
        let target = request.target;
        if target.len() <= self.limits.long
            || request.method == b"CONNECT"
            || !target.starts_with(b"/")
            || target.iter().fold(0, |any, byte| any | u8::from(!is_uri_byte(*byte))) != 0
        {
            return false;
        }
        let (path, query) = match target.iter().position(|byte| *byte == b'?') {
            Some(mark) => (&target[..mark], &target[mark + 1..]),
            None => (target, &target[..0]),
        };
        if target.len() > self.limits.target || path.len() > self.limits.long {
            self.too_long(line, length, out);
        } else {
            let version: &[u8] = if request.http10 { b"HTTP/1.0" } else { b"HTTP/1.1" };
            self.rewritten(&[request.method, b" ", path, b" ", version], query, out);
            self.begin_headers(request.http10);
        }
        true
    }

    /// Hands on, in place of a request line, one that says that it was too long. What comes after it is left
    /// to hyper, since the server ends the connection.
    fn too_long(&mut self, line: &[u8], method: usize, out: &mut Vec<u8>) {
        self.rewritten(&[&line[..method], b" / HTTP/1.1"], TOO_LONG, out);
        self.state = State::Blind;
    }

    fn rewritten(&self, line: &[&[u8]], value: &[u8], out: &mut Vec<u8>) {
        out.reserve(line.iter().map(|part| part.len()).sum::<usize>() + value.len() + 64);
        for part in line {
            out.extend_from_slice(part);
        }
        for part in [b"\r\n", self.header.0.as_str().as_bytes(), b": ", value, b"\r\n"] {
            out.extend_from_slice(part);
        }
    }

    /// The most that a line with a method of so many bytes can have without its LF, when its target has the
    /// most it may have.
    fn longest_line(&self, method: usize) -> usize {
        method + 1 + self.limits.target + AFTER_TARGET
    }

    /// Takes note of a request line (without its LF) that passes as it is.
    fn request_line(&mut self, line: &[u8]) {
        if line.is_empty() || line == b"\r" {
            return;
        }
        match RequestLine::parse(line) {
            Some(request) if request.method != b"CONNECT" && request.target.len() <= self.limits.long => {
                self.begin_headers(request.http10);
            }
            _ => self.state = State::Blind,
        }
    }

    fn begin_headers(&mut self, http10: bool) {
        self.head = Head { http10, ..Head::default() };
        self.state = State::Header;
    }

    /// Takes note of a header line, or of as much of one as there is: how many bytes that is.
    fn header_line(&mut self, input: &[u8]) -> usize {
        let Some(end) = newline(input) else {
            self.partial.extend_from_slice(input);
            if self.head.bytes + self.partial.len() > self.limits.headers {
                self.partial = Vec::new();
                self.state = State::Blind;
            }
            return input.len();
        };
        let line = &input[..end];
        let state = if self.partial.is_empty() {
            self.header_value(line)
        } else {
            let mut whole = std::mem::take(&mut self.partial);
            whole.extend_from_slice(line);
            self.header_value(&whole)
        };
        self.state = state.unwrap_or(State::Blind);
        end + 1
    }

    /// Takes note of a header line without its LF: what comes next, or nothing when there is any doubt.
    fn header_value(&mut self, line: &[u8]) -> Option<State> {
        self.head.bytes += line.len() + 1;
        if self.head.bytes > self.limits.headers {
            return None;
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            return Some(self.body());
        }
        // No early way out: the compiler then looks at many bytes at once.
        let control = line.iter().fold(0, |any, byte| any | u8::from(is_control(*byte)));
        let colon = line.iter().position(|byte| !is_token(*byte))?;
        if control != 0 || colon == 0 || line[colon] != b':' {
            return None;
        }
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        let head = &mut self.head;
        match colon {
            7 if name.eq_ignore_ascii_case(b"upgrade") => return None,
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                let length = decimal(value)?;
                if head.chunked || head.length.is_some_and(|earlier| earlier != length) {
                    return None;
                }
                head.length = Some(length);
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                let alone = !head.chunked && head.length.is_none() && !head.http10;
                if !alone || !value.eq_ignore_ascii_case(b"chunked") {
                    return None;
                }
                head.chunked = true;
            }
            _ => {}
        }
        Some(State::Header)
    }

    /// What comes after the headers.
    fn body(&self) -> State {
        match self.head.length {
            _ if self.head.chunked => State::Chunked(Chunk::Start),
            None | Some(0) => State::Line,
            Some(length) => State::Body(length),
        }
    }

    /// Follows a chunked body, to the letter as hyper does: how many bytes were looked at.
    fn chunked(&mut self, chunk: Chunk, input: &[u8]) -> usize {
        if let Chunk::Data(left) = chunk {
            let (passed, left) = counted(left, input);
            self.state = State::Chunked(if left == 0 { Chunk::DataCr } else { Chunk::Data(left) });
            return passed;
        }
        let Some(byte) = input.first() else { return 0 };
        self.state = match chunk.next(*byte) {
            Some(Chunk::End) if chunk == Chunk::End => State::Line,
            Some(next) => State::Chunked(next),
            None => State::Blind,
        };
        1
    }
}

/// How many of `left` bytes are in `input`, and how many are left after them.
fn counted(left: u64, input: &[u8]) -> (usize, u64) {
    let passed = usize::try_from(left).map_or(input.len(), |left| left.min(input.len()));
    (passed, left - passed as u64)
}
