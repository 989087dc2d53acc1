//! Wildcards: `*` for any number of characters, `?` for one.

/// A text with wildcards.
///
/// A `*` also matches colons and slashes: `acs:kms:*:*:secret*` is a documented resource. Matching takes at most text
/// length times pattern length steps, whatever the pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    ignore_case: bool,
    plain: bool,
}

impl Pattern {
    /// A case-sensitive pattern.
    pub fn exact_case(text: &str) -> Self {
        Self { text: text.to_owned(), ignore_case: false, plain: !text.contains(['*', '?']) }
    }

    /// A pattern that ignores the case of ASCII letters, as RAM does in names of actions.
    pub(super) fn any_case(text: &str) -> Self {
        Self { ignore_case: true, ..Self::exact_case(text) }
    }

    /// The pattern as it is written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the pattern matches all of `text`.
    pub fn matches(&self, text: &str) -> bool {
        match (self.text == "*", self.plain, self.ignore_case) {
            (true, ..) => true,
            (_, true, false) => self.text == text,
            (_, true, true) => self.text.eq_ignore_ascii_case(text),
            (_, false, _) => self.walk(text),
        }
    }

    /// Walks both texts. After a mismatch only the last `*` takes one more character. Earlier ones need no second try,
    /// because the last one can reach everything that they could.
    fn walk(&self, text: &str) -> bool {
        let (mut pattern, mut rest) = (self.text.as_str(), text);
        let mut retry: Option<(&str, &str)> = None;
        loop {
            let (wanted, found) = (pattern.chars().next(), rest.chars().next());
            match (wanted, found) {
                (Some('*'), _) => {
                    pattern = after_first(pattern);
                    retry = Some((pattern, rest));
                }
                (Some(w), Some(f)) if w == '?' || self.equal(w, f) => {
                    (pattern, rest) = (after_first(pattern), after_first(rest));
                }
                (None, None) => return true,
                _ => match retry {
                    Some((after_star, taken)) if !taken.is_empty() => {
                        (pattern, rest) = (after_star, after_first(taken));
                        retry = Some((after_star, rest));
                    }
                    _ => return false,
                },
            }
        }
    }

    fn equal(&self, a: char, b: char) -> bool {
        if self.ignore_case { a.eq_ignore_ascii_case(&b) } else { a == b }
    }
}

fn after_first(text: &str) -> &str {
    let mut chars = text.chars();
    chars.next();
    chars.as_str()
}
