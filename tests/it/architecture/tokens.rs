//! Rust code as tokens: as much of the language as the structure tests need.

/// A word, a path separator or any other character. Comments are left out; a literal or lifetime is [`Token::Literal`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token<'a> {
    Word(&'a str),
    PathSeparator,
    Mark(char),
    Literal,
}

/// The tokens of a file.
pub fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (token, length) = next_token(rest, first);
        found.extend(token);
        rest = &rest[length..];
    }
    found
}

fn next_token(rest: &str, first: char) -> (Option<Token<'_>>, usize) {
    if first.is_whitespace() {
        return (None, first.len_utf8());
    }
    if rest.starts_with("//") {
        return (None, rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return (None, block_comment(rest));
    }
    if let Some(length) = string(rest).or_else(|| character(rest)) {
        return (Some(Token::Literal), length);
    }
    if rest.starts_with("::") {
        return (Some(Token::PathSeparator), 2);
    }
    if first.is_alphanumeric() || first == '_' {
        let word = &rest[..word_length(rest)];
        let token = if first.is_numeric() { Token::Literal } else { Token::Word(word) };
        return (Some(token), word.len());
    }
    (Some(Token::Mark(first)), first.len_utf8())
}

fn word_length(text: &str) -> usize {
    text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len())
}

fn block_comment(text: &str) -> usize {
    let (mut at, mut depth) = (0, 0);
    loop {
        let rest = &text[at..];
        depth += i32::from(rest.starts_with("/*")) - i32::from(rest.starts_with("*/"));
        if depth == 0 {
            return at + 2;
        }
        let two = rest.starts_with("/*") || rest.starts_with("*/");
        let Some(first) = rest.chars().next() else { return text.len() };
        at += if two { 2 } else { first.len_utf8() };
    }
}

/// The length of the string at the start of `text`, prefix and quotes included.
fn string(text: &str) -> Option<usize> {
    let start = text.trim_start_matches(['b', 'c']);
    let raw = start.strip_prefix('r');
    let hashes = raw.map_or(0, |rest| rest.len() - rest.trim_start_matches('#').len());
    let quoted = raw.unwrap_or(start)[hashes..].strip_prefix('"')?;
    let before = text.len() - quoted.len();
    if raw.is_some() {
        let end = format!("\"{}", "#".repeat(hashes));
        return Some(before + quoted.find(&end)? + end.len());
    }
    let mut escaped = false;
    for (at, c) in quoted.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(before + at + 1),
            _ => {}
        }
    }
    None
}

/// The length of the character or lifetime at the start of `text`.
fn character(text: &str) -> Option<usize> {
    let start = text.strip_prefix('b').unwrap_or(text);
    let quoted = start.strip_prefix('\'')?;
    let before = text.len() - quoted.len();
    if let Some(escape) = quoted.strip_prefix('\\') {
        return Some(before + 2 + escape[1..].find('\'')? + 1);
    }
    let first = quoted.chars().next()?;
    if quoted[first.len_utf8()..].starts_with('\'') {
        return Some(before + first.len_utf8() + 1);
    }
    Some(before + word_length(quoted))
}

#[test]
fn comments_and_literals_hide_nothing_that_follows_them() {
    let text = "/* a /* b */ c */ x // y\n 'a' 'l: '\\'' b'\"' \"a\\\"b\" r#\"a\"b\"# br\"x\" r::s b2 1u8 é";
    let words: Vec<_> = tokens(text)
        .into_iter()
        .filter_map(|token| if let Token::Word(word) = token { Some(word) } else { None })
        .collect();
    assert_eq!(words, ["x", "r", "s", "b2", "é"]);
}
