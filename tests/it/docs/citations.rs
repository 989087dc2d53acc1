//! Comments and pages cite facts, guesses, differences and rules by mark: `protocol P12`, `guess G3`, `difference D4`,
//! `rule 4.2`. Each mark must be in its page: docs/protocol.md, docs/differences.md, docs/rules.md.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{root, rules};

/// The words before marks, and what the marks behind them begin with.
const WORDS: &[(&str, &str)] = &[
    ("protocol", "P"),
    ("guess", "G"),
    ("guesses", "G"),
    ("difference", "D"),
    ("differences", "D"),
    ("rule", ""),
    ("rules", ""),
];

/// Words before numbers of pages that are not in the repository.
const STRAY: &[&str] = &["fact", "facts", "question", "questions"];

/// The files whose text is searched.
fn files() -> Vec<PathBuf> {
    fn walk(path: &Path, found: &mut Vec<PathBuf>) {
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && !["target", "vectors", "node_modules", "__pycache__"].contains(&name) {
            for entry in std::fs::read_dir(path).unwrap() {
                walk(&entry.unwrap().path(), found);
            }
        } else if ["rs", "md", "py", "sql", "js", "mjs", "go", "java", "sh", "yaml", "yml", "toml"]
            .iter()
            .any(|kind| path.extension().is_some_and(|extension| extension == *kind))
        {
            found.push(path.to_owned());
        }
    }
    let mut found = Vec::new();
    for folder in ["src", "tests", "docs", "examples", "benches", "migrations"] {
        walk(&root().join(folder), &mut found);
    }
    found.extend(
        ["README.md", "CONTRIBUTING.md", "SECURITY.md", "Cargo.toml", "build.rs"].map(|f| root().join(f)),
    );
    found.retain(|file| file.is_file() && !file.ends_with("tests/it/docs/citations.rs"));
    found
}

/// All marks that there are.
fn defined() -> BTreeSet<String> {
    let page = |name: &str| std::fs::read_to_string(root().join("docs").join(name)).unwrap();
    let mut marks: BTreeSet<String> = rules::RULES.iter().map(|rule| rule.0.to_owned()).collect();
    for line in page("protocol.md").lines() {
        if let Some((mark, _)) = line.strip_prefix("- **P").and_then(|rest| rest.split_once("**")) {
            assert!(marks.insert(format!("P{mark}")), "docs/protocol.md has P{mark} twice");
        }
    }
    for line in page("differences.md").lines() {
        let Some((mark, _)) = line.strip_prefix("| ").and_then(|rest| rest.split_once(" |")) else {
            continue;
        };
        if mark.starts_with(['G', 'D']) && mark[1..].parse::<u32>().is_ok() {
            assert!(marks.insert(mark.to_owned()), "docs/differences.md has {mark} twice");
        }
    }
    marks
}

/// The text of a comment on its own line, or the whole line of a page.
fn prose(line: &str) -> &str {
    let line = line.trim_start();
    let comment = ["///", "//!", "//", "--", "#"].iter().find_map(|sign| line.strip_prefix(sign));
    comment.unwrap_or(line)
}

/// A mark with its brackets and punctuation taken off, if the word is one.
fn mark<'a>(word: &'a str, letter: &str) -> Option<&'a str> {
    let word = word.trim_start_matches('(').trim_end_matches([',', '.', ';', ':', ')', '?', '!', '"', '…']);
    let word = word.strip_suffix("'s").unwrap_or(word);
    let number = word.strip_prefix(letter)?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let right = match number.split_once('.') {
        Some((section, rule)) => letter.is_empty() && is_number(section) && is_number(rule),
        None => !letter.is_empty() && is_number(number),
    };
    right.then_some(word)
}

/// The marks between the two ends of `P3 to P7`.
fn between(first: &str, last: &str) -> Vec<String> {
    let digits = first.rfind(|c: char| !c.is_ascii_digit()).map_or(0, |at| at + 1);
    let number = |mark: &str| mark[digits..].parse::<u32>();
    match (number(first), number(last)) {
        (Ok(from), Ok(to)) if first[..digits] == last[..digits] => {
            (from + 1..to).map(|n| format!("{}{n}", &first[..digits])).collect()
        }
        _ => vec![format!("{first} to {last}")],
    }
}

/// What is cited in a text, and what looks like a citation and leads nowhere.
fn cited(text: &str, is_code: bool) -> (Vec<String>, Vec<String>) {
    let (mut found, mut lost) = (Vec::new(), Vec::new());
    // Whether each word is in a comment that has a line of its own.
    let words: Vec<(&str, bool)> = text
        .lines()
        .flat_map(|line| {
            let comment = line.trim_start().starts_with("//");
            prose(line).split_whitespace().map(move |word| (word, comment))
        })
        .collect();
    let mut at = 0;
    while at < words.len() {
        let (word, comment) = words[at];
        at += 1;
        let plain = word.trim_start_matches(['(', '"', '*']).to_lowercase();
        let next = words.get(at).map_or("", |next| next.0);
        if let Some((_, letter)) = WORDS.iter().find(|(name, _)| *name == plain)
            && let Some(first) = mark(next, letter)
        {
            found.push(first.to_owned());
            let mut last = first;
            at += 1;
            // The rest of the list: `P1, P2 and P4`, `P5 to P9`.
            loop {
                let joint = words.get(at).map_or("", |word| word.0);
                let (step, range) = match joint {
                    "and" | "or" => (1, false),
                    "to" => (1, true),
                    _ if words[at - 1].0.ends_with(',') => (0, false),
                    _ => break,
                };
                let Some(more) = words.get(at + step).and_then(|word| mark(word.0, letter)) else { break };
                if range {
                    found.extend(between(last, more));
                }
                found.push(more.to_owned());
                last = more;
                at += step + 1;
            }
        } else if STRAY.contains(&plain.as_str()) {
            let bare = next.trim_end_matches([',', '.', ';', ':', ')']);
            let digits = bare.trim_start_matches(|c: char| c.is_ascii_uppercase());
            if digits.parse::<u32>().is_ok() {
                lost.push(format!("{word} {next}"));
                at += 1;
            }
        } else if is_code && comment {
            let bare = word.trim_start_matches('(').trim_end_matches([',', '.', ';', ':', ')']);
            let letter = bare.starts_with(['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'K', 'P']);
            if letter && bare[1..].len() <= 2 && bare[1..].parse::<u32>().is_ok() {
                lost.push(bare.to_owned());
            }
        }
    }
    (found, lost)
}

#[test]
fn each_cited_mark_is_in_its_page() {
    let marks = defined();
    let (mut wrong, mut count) = (Vec::new(), 0);
    for file in files() {
        let text = std::fs::read_to_string(&file).unwrap();
        let here = file.strip_prefix(root()).unwrap().display().to_string();
        let (found, lost) = cited(&text, file.extension().is_some_and(|extension| extension == "rs"));
        count += found.len();
        wrong.extend(
            found.iter().filter(|mark| !marks.contains(*mark)).map(|mark| format!("{here}: no {mark}")),
        );
        wrong.extend(
            lost.iter().map(|mark| format!("{here}: {mark} names no page; write protocol P12 or guess G3")),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 200, "only {count} citations found");
}

#[test]
fn a_made_up_mark_is_noticed() {
    let marks = defined();
    let text = "/// Sorted (protocol P47 to P49, P999). As guess\n/// G12, G998 and G3 say; rules 4.2, 99.1; difference D1.\n";
    let (found, lost) = cited(text, true);
    let (real, made_up): (Vec<_>, Vec<_>) = found.iter().partition(|mark| marks.contains(*mark));
    assert_eq!(real, ["P47", "P48", "P49", "G12", "G3", "4.2", "D1"]);
    assert_eq!(made_up, ["P999", "G998", "99.1"]);
    assert!(lost.is_empty(), "{lost:?}");
    let (found, lost) = cited("// As fact A9 has it (question 12), and E10. Not `C1`.\n", true);
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(lost, ["fact A9", "(question 12),", "E10"]);
}

#[test]
fn each_page_that_a_comment_names_is_there() {
    let (mut wrong, mut count) = (Vec::new(), 0);
    for file in files().iter().filter(|file| file.extension().is_none_or(|extension| extension != "md")) {
        let text = std::fs::read_to_string(file).unwrap();
        let signs: &[&str] =
            if file.extension().is_some_and(|extension| extension == "rs") { &["//"] } else { &["#", "//"] };
        let comments =
            text.lines().filter(|line| signs.iter().any(|sign| line.trim_start().starts_with(sign)));
        let is_path = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '/' | '_' | '-');
        for word in comments.flat_map(|line| line.split(move |c| !is_path(c))) {
            let word = word.trim_end_matches('.');
            if Path::new(word).extension().is_none_or(|extension| extension != "md") {
                continue;
            }
            count += 1;
            let here = file.parent().unwrap();
            if ![root().join(word), root().join("docs").join(word), here.join(word)]
                .iter()
                .any(|p| p.is_file())
            {
                wrong.push(format!("{}: no page {word}", file.strip_prefix(root()).unwrap().display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 5, "only {count} pages named");
}
