//! `POST /_sesame/requests/verify`: whether the requests that came are those that a test expects.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::failure::{Failure, bad_request};
use super::json_body::object;
use super::parameters::Parameters;
use super::request_filter::{Field, FieldPattern};
use super::window::Window;
use crate::app::Contents;
use crate::domain::nearest::nearest;
use crate::server::shared::{LoggedRequest, Shared};
use crate::wire::reason::{NAME_BYTES, shown};

/// The maximum number of expectations.
const MOST_EXPECTATIONS: usize = 100;
/// How many requests an answer shows for an expectation.
const SHOWN: usize = 5;

const EXAMPLE: &str = r#"{"expectations":[{"action":"GetSecretValue","secret":"app/db","times":2}]}"#;

/// The body.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    expectations: Vec<BTreeMap<String, Value>>,
    /// Whether the expected requests must have come in the order of the expectations. Others may be between them.
    #[serde(default)]
    in_order: bool,
}

/// Expected requests.
#[derive(Debug)]
struct Expectation {
    patterns: Vec<FieldPattern>,
    at_least: u64,
    at_most: Option<u64>,
}

impl Expectation {
    /// Reads the expectation of this number, from 1.
    fn read(number: usize, members: &BTreeMap<String, Value>) -> Result<Self, Failure> {
        let wrong = |text: String| bad_request(&format!("expectation {number}: {text}"));
        let mut patterns = Vec::new();
        let mut counts = BTreeMap::new();
        for (name, value) in members {
            let field = Field::ALL.into_iter().find(|field| field.name() == name);
            match (field, value) {
                (Some(field), Value::String(text)) => patterns.push(FieldPattern::new(field, text)),
                (Some(field), Value::Number(_) | Value::Bool(_)) => {
                    patterns.push(FieldPattern::new(field, &value.to_string()));
                }
                (Some(_), _) => {
                    return Err(wrong(format!("{name} must be a text, such as \"{name}\":\"*\"")));
                }
                (None, _) if COUNTS.contains(&name.as_str()) => {
                    let number = value.as_u64().ok_or_else(|| {
                        wrong(format!("{name} must be a whole number, such as \"{name}\":2"))
                    })?;
                    counts.insert(name.as_str(), number);
                }
                (None, _) => return Err(wrong(unknown(name))),
            }
        }
        let [times, at_least, at_most] = COUNTS.map(|name| counts.get(name).copied());
        if times.is_some() && (at_least.is_some() || at_most.is_some()) {
            return Err(wrong("times cannot be combined with at_least and at_most".to_owned()));
        }
        if at_least > at_most && at_most.is_some() {
            return Err(wrong("at_least is greater than at_most".to_owned()));
        }
        // Without a number: at least once. With at_most alone: from none.
        let default = u64::from(at_most.is_none());
        Ok(Self { patterns, at_least: times.or(at_least).unwrap_or(default), at_most: times.or(at_most) })
    }

    fn fits(&self, entry: &LoggedRequest) -> bool {
        self.patterns.iter().all(|pattern| pattern.fits(entry))
    }

    /// How often the requests are expected, in words.
    fn expected(&self) -> String {
        match (self.at_least, self.at_most) {
            (least, None) => format!("at least {least}"),
            (least, Some(most)) if least == most => format!("exactly {least}"),
            (0, Some(most)) => format!("at most {most}"),
            (least, Some(most)) => format!("{least} to {most}"),
        }
    }

    /// The members in which a request differs.
    fn differences(&self, entry: &LoggedRequest) -> Map<String, Value> {
        let differs = self.patterns.iter().filter(|pattern| !pattern.fits(entry));
        let row = |pattern: &FieldPattern| {
            let found = pattern.field.texts(entry);
            let told = json!({ "expected": pattern.pattern.text(), "found": found });
            (pattern.field.name().to_owned(), told)
        };
        differs.map(row).collect()
    }

    /// The requests that differ in the fewest members, and that are most similar in these; newest first among equals.
    fn nearest(&self, newest_first: &[Arc<LoggedRequest>]) -> Vec<Value> {
        let misses = newest_first.iter().filter(|entry| !self.fits(entry));
        let mut misses: Vec<_> = misses.map(|entry| (self.distance(entry), entry)).collect();
        misses.sort_by_key(|(distance, _)| *distance);
        let row = |(_, entry): &(_, &Arc<LoggedRequest>)| json!({ "request": &***entry, "differences": self.differences(entry) });
        misses.iter().take(SHOWN).map(row).collect()
    }

    /// How many members differ, and among them how many have no text that is close to the expected one.
    fn distance(&self, entry: &LoggedRequest) -> (usize, usize) {
        let differs: Vec<_> = self.patterns.iter().filter(|pattern| !pattern.fits(entry)).collect();
        let far = |pattern: &&&FieldPattern| {
            let texts = pattern.field.texts(entry);
            nearest(pattern.pattern.text(), texts.iter().map(|text| &**text)).is_none()
        };
        (differs.len(), differs.iter().filter(far).count())
    }
}

/// The members of an expectation that say how often.
const COUNTS: [&str; 3] = ["times", "at_least", "at_most"];

fn unknown(name: &str) -> String {
    let known = || Field::ALL.into_iter().map(Field::name).chain(COUNTS);
    let hint = nearest(name, known()).map(|near| format!("did you mean {near}? ")).unwrap_or_default();
    let list = known().collect::<Vec<_>>().join(", ");
    format!("unknown member {}; {hint}the known members are {list}", shown(name, NAME_BYTES))
}

/// Answers whether the expectations hold for the requests of a window; where one does not, with the nearest misses.
///
/// An expectation that dropped requests could change does not hold: its row has `incomplete`.
///
/// # Errors
/// 400 when an expectation or a parameter of the window is not valid.
pub(super) async fn verify(
    State(shared): State<Arc<Shared>>,
    Extension(parameters): Extension<Parameters>,
    body: Bytes,
) -> Result<Json<Value>, Failure> {
    let window = Window::of(&parameters)?;
    let Body { expectations, in_order } = object(&body, EXAMPLE)?;
    if expectations.is_empty() || expectations.len() > MOST_EXPECTATIONS {
        return Err(bad_request(&format!(
            "expectations must have 1 to {MOST_EXPECTATIONS} entries, for example {EXAMPLE}"
        )));
    }
    let numbered = expectations.iter().enumerate();
    let expectations: Vec<Expectation> =
        numbered.map(|(at, members)| Expectation::read(at + 1, members)).collect::<Result<_, _>>()?;
    let Contents { newest_first, last, dropped } = shared.request_log.contents();
    let newest_first: Vec<_> = newest_first.into_iter().filter(|entry| window.has(&**entry)).collect();
    let misses = window.may_miss(&dropped);
    let broken = if in_order { out_of_order(&expectations, &newest_first) } else { None };
    let mut all_hold = true;
    let rows = expectations.iter().enumerate().map(|(at, expectation)| {
        let (holds, row) = judged(expectation, &newest_first, misses, broken == Some(at));
        all_hold &= holds;
        row
    });
    let rows: Vec<Value> = rows.collect();
    Ok(Json(json!({
        "holds": all_hold,
        "expectations": rows,
        "count": newest_first.len(),
        "dropped": dropped.count,
        "last": last,
    })))
}

/// Whether an expectation holds, and its row in the answer.
fn judged(
    expectation: &Expectation,
    newest_first: &[Arc<LoggedRequest>],
    misses: bool,
    out_of_order: bool,
) -> (bool, Value) {
    let found: Vec<_> = newest_first.iter().filter(|entry| expectation.fits(entry)).collect();
    let count = u64::try_from(found.len()).unwrap_or(u64::MAX);
    let (few, many) =
        (count < expectation.at_least, expectation.at_most.is_some_and(|at_most| count > at_most));
    // A dropped request could have fitted. Too many are too many with it, and enough are enough where no bound is above.
    let incomplete = misses && !many && (few || out_of_order || expectation.at_most.is_some());
    let holds = !few && !many && !out_of_order && !incomplete;
    let mut row = json!({ "holds": holds, "found": count, "expected": expectation.expected() });
    let mut add = |name: &str, value: Value| {
        if let Some(members) = row.as_object_mut() {
            members.insert(name.to_owned(), value);
        }
    };
    if incomplete {
        add("incomplete", true.into());
    }
    if out_of_order {
        add("out_of_order", true.into());
    }
    if few {
        add("nearest", expectation.nearest(newest_first).into());
    }
    if many || out_of_order {
        let shown: Vec<_> = found.iter().take(SHOWN).map(|entry| json!(&***entry)).collect();
        add("requests", shown.into());
    }
    (holds, row)
}

/// The first expectation whose requests do not follow those of the expectations before it.
fn out_of_order(expectations: &[Expectation], newest_first: &[Arc<LoggedRequest>]) -> Option<usize> {
    let mut rest = newest_first.iter().rev();
    expectations
        .iter()
        .position(|expectation| !(0..expectation.at_least).all(|_| rest.any(|entry| expectation.fits(entry))))
}
