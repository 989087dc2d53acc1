//! The state machine that tracks which part of a message each byte belongs to.

use super::chunk::Chunk;
use super::header::{InternalHeader, MAX_HEADERS, MAX_TARGET, TOO_LONG};
use super::lexer::{Method, RequestLine, decimal, is_control, is_token, is_uri_byte, method, newline};

/// Targets over this many bytes are rewritten. hyper accepts up to 65,534.
const LONG_TARGET: usize = 60_000;
/// The most bytes that can follow a target on its line: the version and a CR.
const AFTER_TARGET: usize = b" HTTP/1.1\r".len();
/// Limits in bytes. Tests use smaller ones.
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

/// What the next byte of the stream belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// A request line, or a blank line before it. The bytes so far are in `partial` and have not been passed on.
    Line,
    /// A request line that is too long and was replaced. The rest of it is dropped.
    Skip,
    /// A header line. The bytes so far have been passed on, and a copy is in `partial`.
    Header,
    /// A body with this many bytes left.
    Body(u64),
    /// A chunked body.
    Chunked(Chunk),
    /// Anything: all bytes pass unchanged, and hyper judges them.
    Blind,
}

/// What the head of the current message says about its body.
#[derive(Clone, Copy, Default)]
struct Head {
    /// The length of the header lines so far.
    bytes: usize,
    http10: bool,
    length: Option<u64>,
    chunked: bool,
}

/// Tracks the messages of one connection. It does no I/O.
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

    /// Tracks the bytes at the start of `input` that need no change and returns how many these are. The caller passes the
    /// others to `feed`.
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

    /// Tracks any bytes and appends to `out` what the reader gets.
    pub(super) fn feed(&mut self, input: &[u8], out: &mut Vec<u8>) {
        let mut rest = input;
        while !rest.is_empty() {
            let (passed, other) = rest.split_at(self.pass(rest));
            out.extend_from_slice(passed);
            // The other bytes begin with a request line, or with a part of one when the input ends before it.
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

    /// Ends the input and returns the bytes that were held back.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        match self.state {
            State::Line => std::mem::take(&mut self.partial),
            _ => Vec::new(),
        }
    }

    /// How many bytes are held: held back, or a copy of the current header line.
    pub(super) fn held(&self) -> usize {
        self.partial.len()
    }

    /// Passes a request line that is complete and short. Returns its length with the LF, or 0.
    fn whole_line(&mut self, input: &[u8]) -> usize {
        match newline(input) {
            Some(end) if end <= self.limits.long => {
                self.request_line(input.get(..end).unwrap_or_default());
                end + 1
            }
            _ => 0,
        }
    }

    /// Decides about a held request line whose end has not arrived.
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

    /// Passes on a held request line that is complete.
    fn held_line(&mut self, out: &mut Vec<u8>) {
        let held = std::mem::take(&mut self.partial);
        let line = held.strip_suffix(b"\n").unwrap_or(&held);
        if line.len() <= self.limits.long || !self.long_line(line, out) {
            self.request_line(line);
            out.extend_from_slice(&held);
        }
    }

    /// Rewrites a request line (without its LF) whose target is long; false when it must pass unchanged.
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

    /// Replaces a request line with one that carries the mark for "too long". Later bytes pass unchanged, because the server
    /// closes the connection.
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

    /// The length of the longest line, without its LF, with a method of this many bytes and a target of the longest
    /// length.
    fn longest_line(&self, method: usize) -> usize {
        method + 1 + self.limits.target + AFTER_TARGET
    }

    /// Notes a request line (without its LF) that passes unchanged.
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

    /// Notes a header line, or the part of it that has arrived. Returns its length.
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

    /// Notes a header line without its LF. Returns what comes next, or `None` when there is any doubt.
    fn header_value(&mut self, line: &[u8]) -> Option<State> {
        self.head.bytes += line.len() + 1;
        if self.head.bytes > self.limits.headers {
            return None;
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            return Some(self.body());
        }
        // Without an early exit, the compiler checks many bytes at once.
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

    /// What follows the headers.
    fn body(&self) -> State {
        match self.head.length {
            _ if self.head.chunked => State::Chunked(Chunk::Start),
            None | Some(0) => State::Line,
            Some(length) => State::Body(length),
        }
    }

    /// Tracks a chunked body exactly as hyper decodes it. Returns how many bytes were tracked.
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

/// How many of `left` bytes are in `input`, and how many are left after that.
fn counted(left: u64, input: &[u8]) -> (usize, u64) {
    let passed = usize::try_from(left).map_or(input.len(), |left| left.min(input.len()));
    (passed, left - passed as u64)
}
