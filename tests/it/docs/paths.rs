//! Paths that the pages for maintainers name: each is in the repository.

use super::root;

const PAGES: &[&str] =
    &["docs/ARCHITECTURE.md", "CONTRIBUTING.md", "docs/protocol.md", "docs/testing.md", "docs/containers.md"];

/// What a path of the repository begins with.
const FOLDERS: &[&str] = &["src/", "tests/", "migrations/", "docs/", "examples/", "benches/", ".ci/"];

/// The paths between backticks.
fn paths(text: &str) -> Vec<&str> {
    let spans = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    let words = spans.filter_map(|span| span.split_whitespace().next());
    words.filter(|word| FOLDERS.iter().any(|folder| word.starts_with(folder))).collect()
}

#[test]
fn each_path_that_a_page_names_is_there() {
    let mut missing = Vec::new();
    let mut count = 0;
    for page in PAGES {
        let text = std::fs::read_to_string(root().join(page)).unwrap();
        for path in paths(&text) {
            count += 1;
            if !root().join(path).exists() {
                missing.push(format!("{page}: no {path}"));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    assert!(count > 60, "only {count} paths found");
}

#[test]
fn a_path_that_is_not_there_is_noticed() {
    let found = paths("| a rule | `src/domain/nowhere.rs`, and `App::permit` | `.ci/run fmt lint` |");
    assert_eq!(found, ["src/domain/nowhere.rs", ".ci/run"]);
    assert!(!root().join(found[0]).exists() && root().join(found[1]).exists());
}
