//! `docs/security.md` names the tests for each promise. Checked here: each test exists, and no test of an attack is
//! left out.

use std::collections::BTreeSet;
use std::path::Path;

use super::root;

/// Modules of `tests/it` in which every test is an attack and so belongs to a promise.
const ATTACKS: &[&str] = &["abandoned", "connections", "growth", "mutations", "nonces", "site"];

/// The tests in the files of a directory, as module paths such as `site::a_name`.
fn tests_in(folder: &Path, modules: &str, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let module = if stem == "mod" { modules.to_owned() } else { format!("{modules}{stem}::") };
        if path.is_dir() {
            tests_in(&path, &module, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            // Unit tests are in a module `tests` of their file, or in a file of that name.
            let inner = if text.contains("\nmod tests {") { "tests::" } else { "" };
            let named = text.split("#[test]").skip(1).chain(text.split("#[tokio::test").skip(1));
            let name = |rest: &str| rest.split("fn ").nth(1)?.split('(').next().map(str::to_owned);
            found.extend(named.filter_map(name).map(|name| format!("{module}{inner}{name}")));
        }
    }
}

#[test]
fn each_promise_of_the_page_on_security_has_tests_and_no_attack_is_left_out() {
    let mut there = BTreeSet::new();
    tests_in(&root().join("tests/it"), "", &mut there);
    tests_in(&root().join("src"), "", &mut there);
    let page = std::fs::read_to_string(root().join("docs/security.md")).unwrap();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| ") && line.contains("::")).collect();
    assert!(rows.len() > 25, "there is no table of promises");
    let mut named = BTreeSet::new();
    for row in rows {
        let tests: Vec<&str> = row.split('`').filter(|part| part.contains("::")).collect();
        assert!(!tests.is_empty(), "{row}");
        named.extend(tests);
    }
    let missing: Vec<_> = named.iter().filter(|name| !there.contains(**name)).collect();
    assert!(missing.is_empty(), "docs/security.md names tests that do not exist: {missing:#?}");
    let is_attack = |name: &&String| ATTACKS.iter().any(|module| name.starts_with(&format!("{module}::")));
    let left_out: Vec<_> =
        there.iter().filter(is_attack).filter(|name| !named.contains(name.as_str())).collect();
    assert!(left_out.is_empty(), "docs/security.md has no promise for {left_out:#?}");
}
