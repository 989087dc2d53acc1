//! Lines of SHOW GRANTS, rewritten for another account.

/// The statement that gives `clone` what a line gives somebody. Its password is left out: MariaDB, and MySQL before 8, show it in the
/// first line. `None` for a line that is no grant to one account, or gives nothing.
pub fn for_clone(line: &str, clone: &str) -> Option<String> {
    let words = words(line)?;
    let is = |word: &&str, known: &str| word.eq_ignore_ascii_case(known);
    if !is(words.first()?, "GRANT") {
        return None;
    }
    // A grant has one TO outside of quotes, after the rights.
    let to = words.iter().position(|word| is(word, "TO"))?;
    let (before, after) = (words.get(..to)?, words.get(to + 1..)?);
    let (_account, rest) = after.split_first()?;
    let rest = without_identity(rest);
    let is_usage = before.get(1).is_some_and(|word| is(word, "USAGE"));
    if is_usage && !rest.iter().any(|word| is(word, "OPTION")) {
        // It only carries requirements and limits, which are no rights: changing them takes CREATE USER alone.
        return (!rest.is_empty()).then(|| format!("ALTER USER {clone} {}", rest.join(" ")));
    }
    Some(
        [&before.join(" "), "TO", clone]
            .into_iter()
            .chain(rest.iter().copied())
            .collect::<Vec<_>>()
            .join(" "),
    )
}

/// What follows the account, without how it identifies itself.
fn without_identity<'a>(rest: &'a [&'a str]) -> &'a [&'a str] {
    if !rest.first().is_some_and(|word| word.eq_ignore_ascii_case("IDENTIFIED")) {
        return rest;
    }
    let keeps = |word: &&str| ["REQUIRE", "WITH"].iter().any(|known| word.eq_ignore_ascii_case(known));
    // `IDENTIFIED WITH plugin` is part of the identity.
    let from = if rest.get(1).is_some_and(|word| word.eq_ignore_ascii_case("WITH")) { 2 } else { 1 };
    let end = rest.iter().skip(from).position(keeps).map_or(rest.len(), |at| at + from);
    rest.get(end..).unwrap_or_default()
}

/// The words of a line; what is in quotes belongs to its word. `None` when a quote is open.
fn words(line: &str) -> Option<Vec<&str>> {
    let (mut words, mut start, mut quote) = (Vec::new(), None, None);
    let mut chars = line.char_indices();
    while let Some((at, one)) = chars.next() {
        match quote {
            // A doubled quote closes and opens again, which is the same.
            Some(open) if one == open => quote = None,
            Some('\'' | '"') if one == '\\' => drop(chars.next()),
            None if one.is_whitespace() => {
                words.extend(start.take().and_then(|start| line.get(start..at)));
                continue;
            }
            None if ['\'', '"', '`'].contains(&one) => quote = Some(one),
            Some(_) | None => {}
        }
        start.get_or_insert(at);
    }
    words.extend(start.and_then(|start| line.get(start..)));
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_are_given_to_the_clone_without_the_password_of_the_first_account() {
        let cases = [
            (
                "GRANT ALL PRIVILEGES ON *.* TO `app`@`%` IDENTIFIED BY PASSWORD '*0123' WITH GRANT OPTION",
                "GRANT ALL PRIVILEGES ON *.* TO 'c'@'%' WITH GRANT OPTION",
            ),
            (
                "GRANT USAGE ON *.* TO `app`@`%` IDENTIFIED VIA mysql_native_password USING '*01' OR unix_socket REQUIRE SSL WITH MAX_USER_CONNECTIONS 5",
                "ALTER USER 'c'@'%' REQUIRE SSL WITH MAX_USER_CONNECTIONS 5",
            ),
            (
                "GRANT USAGE ON *.* TO 'app'@'%' IDENTIFIED WITH 'mysql_native_password' AS '*01' REQUIRE NONE",
                "ALTER USER 'c'@'%' REQUIRE NONE",
            ),
            (
                "GRANT SELECT, INSERT (`a`, `b`) ON `orders`.* TO `app`@`%` WITH GRANT OPTION",
                "GRANT SELECT, INSERT (`a`, `b`) ON `orders`.* TO 'c'@'%' WITH GRANT OPTION",
            ),
            ("GRANT `reader`@`%` TO `app`@`%`", "GRANT `reader`@`%` TO 'c'@'%'"),
            ("grant all on `a TO b`.* to `TO`@`%`", "grant all on `a TO b`.* TO 'c'@'%'"),
            ("GRANT ALL ON `it``s`.`x\\` TO `a b`@`%`", "GRANT ALL ON `it``s`.`x\\` TO 'c'@'%'"),
            ("GRANT SELECT ON *.* TO 'IDENTIFIED'@'%'", "GRANT SELECT ON *.* TO 'c'@'%'"),
        ];
        for (line, wanted) in cases {
            assert_eq!(for_clone(line, "'c'@'%'").as_deref(), Some(wanted), "{line}");
        }
        for line in [
            "SET DEFAULT ROLE `r` FOR `app`@`%`",
            "",
            "GRANT ALL ON *.*",
            "GRANT ALL ON `a TO b",
            "REVOKE x TO y",
        ] {
            assert_eq!(for_clone(line, "'c'@'%'"), None, "{line}");
        }
    }
}
