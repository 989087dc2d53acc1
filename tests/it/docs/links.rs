//! Links and anchors of all Markdown: each leads to a file, and to a heading where it names one.

use std::path::{Component, Path, PathBuf};

use super::root;

fn pages() -> Vec<PathBuf> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "md") {
                found.push(path);
            }
        }
    }
    let mut found =
        ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"].map(|f| root().join(f)).to_vec();
    walk(&root().join("docs"), &mut found);
    walk(&root().join("examples"), &mut found);
    found.sort();
    found
}

/// The lines outside fenced blocks, without the text between backticks.
fn prose(text: &str) -> Vec<String> {
    let mut fenced = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            lines.push(line.split('`').step_by(2).collect::<Vec<_>>().join("`"));
        }
    }
    assert!(!fenced, "a fenced block has no end");
    lines
}

/// Targets of `[text](target)` in a line.
fn targets(line: &str) -> Vec<&str> {
    line.match_indices("](").filter_map(|(at, _)| line[at + 2..].split(')').next()).collect()
}

/// The anchors of a page's headings, as GitHub and mdBook generate them.
fn anchors(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut fenced = false;
    let mut found: Vec<String> = Vec::new();
    for line in text.lines() {
        fenced ^= line.starts_with("```");
        let Some(heading) = line.strip_prefix('#').filter(|_| !fenced) else { continue };
        let heading = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        found.push(kept.map(|c| if c == ' ' { '-' } else { c }).collect());
    }
    found
}

fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}

#[test]
fn links_and_anchors_lead_somewhere() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        for target in prose(&text).iter().flat_map(|line| targets(line)) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            count += 1;
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let place =
                if file.is_empty() { page.clone() } else { plain(&page.parent().unwrap().join(file)) };
            let here = page.strip_prefix(root()).unwrap().display();
            if !place.exists() {
                wrong.push(format!("{here}: no {target}"));
            } else if !anchor.is_empty() && !anchors(&place).iter().any(|a| a == anchor) {
                wrong.push(format!("{here}: no heading {target}"));
            } else if page.starts_with(root().join("docs")) && !place.starts_with(root().join("docs")) {
                wrong.push(format!("{here}: {target} is not part of the site"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 100, "only {count} links found");
}

#[test]
fn the_site_has_every_page() {
    let summary = std::fs::read_to_string(root().join("docs/SUMMARY.md")).unwrap();
    let listed: Vec<PathBuf> =
        summary.lines().flat_map(targets).map(|t| root().join("docs").join(t)).collect();
    for page in
        pages().iter().filter(|page| page.starts_with(root().join("docs")) && !page.ends_with("SUMMARY.md"))
    {
        assert_eq!(
            listed.iter().filter(|listed| *listed == page).count(),
            1,
            "docs/SUMMARY.md and {}",
            page.display()
        );
    }
}
