//! Parses a file: YAML, or JSON, which is YAML too.
//!
//! YAML has aliases (`*name`), which repeat the node that an anchor (`&name`) marks. A small file with nested aliases can
//! expand to any amount of data, so the amount that aliases repeat is limited. Everything else is limited by the size of
//! the file.

use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::{Budget, Error, Options};

use super::file::StateFile;
use super::{Cause, Problem};
use crate::domain::nearest::with_suggestion;

/// The maximum of text that aliases may repeat, in bytes, beyond twice the size of the file.
const REPEATED_BYTES: usize = 16 * 1024 * 1024;
/// The maximum number of nodes (scalars, lists, starts and ends of mappings) that aliases may repeat.
const REPEATED_NODES: usize = 1_000_000;
/// The maximum number of anchors, and that of aliases.
const ANCHORS: usize = 200_000;
/// The maximum nesting of lists and mappings. A valid seed needs seven levels.
const DEPTH: usize = 32;

/// Parses a file.
///
/// # Errors
/// [`Problem`] with the line. If a limit is exceeded, it names the limit.
pub fn parse(text: &str) -> Result<StateFile, Problem> {
    // Large files are exports in JSON, where a line number helps nobody.
    if text.len() > 1024 * 1024 && text.trim_start().starts_with('{') {
        return serde_json::from_str(text).map_err(|e| Problem {
            line: Some(e.line() as u64),
            field: "document".to_owned(),
            problem: plain(&e.to_string()),
            cause: Cause::File,
        });
    }
    serde_saphyr::from_str_with_options(text, options(text.len())).map_err(|error| Problem {
        line: error.location().map(|location| location.line()),
        field: "document".to_owned(),
        problem: said(&error),
        cause: Cause::File,
    })
}

/// The limits for a file of this size.
fn options(bytes: usize) -> Options {
    let mut budget = Budget::default();
    // An escape sequence of two characters can produce a character of three bytes.
    budget.max_total_scalar_bytes = bytes.saturating_mul(2).saturating_add(REPEATED_BYTES);
    // The size of the file limits what it spells out; `alias_limits` limits what aliases repeat.
    budget.max_events = usize::MAX;
    budget.max_nodes = usize::MAX;
    budget.max_merge_keys = usize::MAX;
    budget.max_aliases = ANCHORS;
    budget.max_anchors = ANCHORS;
    budget.max_recorded_anchor_events = REPEATED_NODES;
    budget.max_recorded_anchor_bytes = budget.max_total_scalar_bytes;
    budget.max_depth = DEPTH;
    // A valid file may use one anchor a thousand times.
    budget.enforce_alias_anchor_ratio = false;
    let mut options = Options::default();
    options.budget = Some(budget);
    options.alias_limits.max_total_replayed_events = REPEATED_NODES;
    options.alias_limits.max_replay_stack_depth = DEPTH;
    options
}

/// The parser's error on one line.
fn said(error: &Error) -> String {
    let mut cause = error.without_snippet();
    while let Error::AliasError { error, .. } = cause {
        cause = error.without_snippet();
    }
    let limit = match cause {
        Error::Budget { breach, .. } => match breach {
            BudgetBreach::ScalarBytes { .. } => {
                format!("aliases (*name) repeat more than {REPEATED_BYTES} bytes of text")
            }
            BudgetBreach::Aliases { .. } => format!("there are more than {ANCHORS} aliases (*name)"),
            BudgetBreach::Anchors { .. } => format!("there are more than {ANCHORS} anchors (&name)"),
            BudgetBreach::Depth { .. } => {
                return format!("lists and mappings are nested more than {DEPTH} deep");
            }
            _ => format!("anchors (&name) hold more than {REPEATED_NODES} nodes"),
        },
        Error::AliasReplayLimitExceeded { .. } => {
            format!("aliases (*name) repeat more than {REPEATED_NODES} nodes")
        }
        Error::AliasReplayStackDepthExceeded { .. } => {
            format!("aliases (*name) are nested more than {DEPTH} deep")
        }
        _ => return plain(&error.without_snippet().to_string()),
    };
    format!("{limit}: write what they repeat out in full, or split the file")
}

/// The first line of a parser's error. For an unknown field it also suggests the nearest known one.
fn plain(text: &str) -> String {
    with_suggestion(text.lines().next().unwrap_or_default().trim())
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    fn refused(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    #[test]
    fn the_text_that_aliases_repeat_is_bounded() {
        // 3.8 MB that expand to 4.5 GB.
        let value = "x".repeat(3_800_000);
        let mut text = format!("secrets:\n- {{name: &v \"{value}\", versions: []}}\n");
        text.push_str(&"- {name: *v, versions: []}\n".repeat(1_200));
        let said = refused(&text);
        assert!(said.contains("repeat more than 16777216 bytes of text"), "{said}");
        assert!(said.starts_with("line ") && !said.contains('\n'), "{said}");
    }

    #[test]
    fn the_nodes_that_aliases_repeat_are_bounded() {
        // A thousand versions in each of a thousand secrets.
        let versions = format!("&x {{id: v1, value: t}}{}", ", *x".repeat(1_000));
        let text = format!("secrets:\n- &s {{name: a, versions: [{versions}]}}\n{}", "- *s\n".repeat(1_000));
        let said = refused(&text);
        assert!(said.contains("aliases (*name) repeat more than 1000000 nodes"), "{said}");
        // Nested lists: one kilobyte that expands to ten billion scalars.
        let mut lists = "l0: &l0 [a, a, a, a, a, a, a, a, a, a]".to_owned();
        for level in 1..10 {
            let inside = vec![format!("*l{}", level - 1); 10].join(", ");
            write!(lists, ", l{level}: &l{level} [{inside}]").unwrap();
        }
        let said =
            refused(&format!("accounts: [{{id: \"1\", policies: [{{name: p, document: {{{lists}}}}}]}}]"));
        assert!(said.contains("more than 1000000 nodes"), "{said}");
    }

    #[test]
    fn what_is_nested_deeply_is_refused() {
        let lists = format!("{}{}", "[".repeat(40), "]".repeat(40));
        let said =
            refused(&format!("accounts: [{{id: \"1\", policies: [{{name: p, document: {{x: {lists}}}}}]}}]"));
        assert!(said.contains("more than 32 deep"), "{said}");
    }

    #[test]
    fn aliases_that_people_write_are_taken() {
        let mut text = "secrets:\n- &base\n  name: s0\n  tags: &tags {team: a, stage: b}\n  versions: &v [{id: v1, value: x}]\n".to_owned();
        for n in 1..20_000 {
            write!(text, "- name: s{n}\n  tags: *tags\n  versions: *v\n").unwrap();
        }
        let file = parse(&text).unwrap();
        assert_eq!(file.secrets.len(), 20_000);
        assert_eq!(file.secrets[19_999].value.tags.len(), 2);
    }

    #[test]
    fn a_large_file_without_aliases_is_taken() {
        let value = "v".repeat(100);
        let mut text = "secrets:\n".to_owned();
        for n in 0..100_000 {
            write!(
                text,
                "- name: team/s{n}\n  tags: {{n: \"{n}\"}}\n  versions:\n  - id: v1\n    value: \"{value}\"\n"
            )
            .unwrap();
        }
        assert!(text.len() > 15_000_000);
        assert_eq!(parse(&text).unwrap().secrets.len(), 100_000);
    }
}
