//! Documents that are generated from the code: each must be up to date. `SESAME_UPDATE_DOCS=1 cargo test docs` rewrites
//! them.

mod citations;
mod command_line;
mod configuration;
mod drawings;
mod links;
mod metrics;
mod paths;
mod pictures;
mod rules;
mod security;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use sesame::testing::actions::{COMMON_CODES, Support};
use sesame::testing::wire::code::TABLE;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn compare(name: &str, wanted: &str) {
    let path = root().join("docs").join(name);
    if std::env::var_os("SESAME_UPDATE_DOCS").is_some() {
        std::fs::write(&path, wanted).unwrap();
    }
    let present = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(present == wanted, "docs/{name} is out of date; update it with SESAME_UPDATE_DOCS=1");
}

/// All test functions by the rules that their names contain: `rule_9_3_and_9_4_…` tests both.
fn tests_by_rule() -> BTreeMap<String, Vec<String>> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    let mut files = Vec::new();
    walk(&root().join("src"), &mut files);
    walk(&root().join("tests/it"), &mut files);
    files.sort();
    let mut tests: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let place = file.strip_prefix(root()).unwrap().display().to_string();
        for (at, _) in text.match_indices("fn rule_") {
            let name = text[at + 3..].split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap();
            for rule in rules_in(name) {
                tests.entry(rule).or_default().push(format!("`{place}` {name}"));
            }
        }
    }
    tests
}

/// The rules at the start of a test's name: `9_3` is 9.3, `r2_1` is R2.1, `dy5_8` is DY5.8, `dy12` is all of DY12.
fn rules_in(name: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut words = name.strip_prefix("rule_").unwrap().split('_').peekable();
    loop {
        let Some(first) = words.next() else { return found };
        let digits = first.trim_start_matches(|c: char| c.is_ascii_lowercase());
        let letters = first.strip_suffix(digits).unwrap();
        if digits.parse::<u32>().is_err() || !["", "r", "dy"].contains(&letters) {
            return found;
        }
        let section = format!("{}{digits}", letters.to_uppercase());
        match words.next_if(|word| word.parse::<u32>().is_ok()) {
            Some(number) => found.push(format!("{section}.{number}")),
            None if letters.is_empty() => return found,
            None => found.push(section),
        }
        // `r7_1_to_r7_3` names both ends.
        if words.next_if(|word| ["and", "to"].contains(word)).is_none() {
            return found;
        }
    }
}

#[test]
fn every_rule_has_a_test_or_waits_for_later_work() {
    let mut tests = tests_by_rule();
    let mut table = String::from(
        "# Rules and their tests\n\nMade by a test from the names of the tests. A rule that waits names the work it belongs to.\n\n\
         | rule | meaning | tests |\n|---|---|---|\n",
    );
    let mut untested = Vec::new();
    for (number, meaning, waits) in rules::RULES {
        let found = tests.remove(*number).unwrap_or_default();
        let shown = match (found.is_empty(), waits) {
            (true, None) => {
                untested.push(*number);
                continue;
            }
            (true, Some(work)) if *work == rules::TARGETS => format!("no test: {work}"),
            (true, Some(work)) => format!("open: {work}"),
            (false, None) => found.join("<br>"),
            (false, Some(work)) => format!("{}<br>the rest is open: {work}", found.join("<br>")),
        };
        writeln!(table, "| {number} | {meaning} | {shown} |").unwrap();
    }
    assert!(untested.is_empty(), "rules without a test: {}", untested.join(" "));
    assert!(tests.is_empty(), "tests that name no rule: {tests:?}");
    compare("rules.md", &table);
}

#[test]
fn the_error_table_is_documented() {
    let mut table = String::from(
        "# Errors\n\nMade by a test from the table in `src/wire/code.rs`. Any action may answer those marked *. The message is the usual one; some refusals word it otherwise, as the cloud does. \
         `Throttling`, its kind and `Rejected.Throttling` are answered only where [a rule of faults](testing.md#faults) wants them, \
         and `Throttling.User` when a principal has [too many nonces](operations.md#nonces).\n\n\
         | code | HTTP status | message |\n|---|---|---|\n",
    );
    for row in TABLE {
        let mark = if COMMON_CODES.contains(&row.code) { " *" } else { "" };
        let name = if row.wire == "Missing" { "Missing<Name>" } else { row.wire };
        let message = row.message.replace('<', "\\<");
        writeln!(table, "| `{name}`{mark} | {} | {message} |", row.status).unwrap();
    }
    compare("errors.md", &table);
}

#[test]
fn the_actions_are_documented() {
    let mut table = String::from(
        "# Actions\n\nMade by a test from the table in `src/actions/mod.rs`; `sesame actions` prints the same. Parameters in \
         brackets may be left out. A refused action answers its code and does nothing. In `enforced` mode an action \
         needs the permission `kms:<action>` on what the third column names, behind \
         `acs:kms:<region>:<account>:`. The last actions are those of the products Sts and Location.\n\n\
         | action | state | permission on | parameters | codes of its own |\n|---|---|---|---|---|\n",
    );
    for action in sesame::testing::actions::all() {
        let state = if action.support() == Support::Implemented { "implemented" } else { "refused" };
        let parameter = |p: &sesame::testing::actions::Parameter| {
            if p.required { p.name.to_owned() } else { format!("[{}]", p.name) }
        };
        let parameters = action.parameters().iter().map(parameter).collect::<Vec<_>>().join(" ");
        let codes = action.codes().iter().map(|code| code.as_str()).collect::<Vec<_>>().join(" ");
        let about = action.resource().as_str();
        writeln!(table, "| {} | {state} | {about} | {parameters} | {codes} |", action.name()).unwrap();
    }
    compare("actions.md", &table);
}
