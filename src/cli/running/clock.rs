//! `sesame clock`.

use std::io::Write;

use clap::Args;
use http::Method;
use serde_json::{Value, json};

use super::instance::Instance;
use crate::cli::data::output::{OutputArgs, member};
use crate::cli::remote::failure::usage;
use crate::domain::duration;
use crate::wire::signature::parse_time;

/// What to do with the clock.
#[derive(Debug, Args)]
pub(in crate::cli) struct ClockArgs {
    /// now (default), freeze, resume, a step such as +7d or +1h30m, or a time such as 2027-01-01 or 2027-01-01T12:00:00Z.
    #[arg(default_value = "now", value_name = "WHAT")]
    what: String,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    instance: Instance,
}

pub(super) async fn run(args: &ClockArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let ask = |method, body| args.instance.ask("clock", (method, "clock"), body);
    let answer = match args.what.as_str() {
        "now" => ask(Method::GET, None).await?,
        "freeze" => {
            let now = ask(Method::GET, None).await?;
            ask(Method::POST, Some(json!({ "set": member(&now, "now") }))).await?
        }
        "resume" => ask(Method::POST, Some(json!({ "resume": true }))).await?,
        other => ask(Method::POST, Some(moved(other)?)).await?,
    };
    args.output.done(out, &described(&answer), &answer)
}

/// The time, and how it differs from the machine's.
pub(super) fn described(clock: &Value) -> String {
    let now = member(clock, "now");
    if clock.get("running") == Some(&Value::Bool(false)) {
        return format!("{now} (stands still; `sesame clock resume` lets it run)");
    }
    let at = |name: &str| parse_time(&member(clock, name)).unwrap_or_default();
    match (at("now") - at("machine")) / 1000 {
        -1..=1 => format!("{now} (the machine's)"),
        ahead => format!("{now} ({ahead} s ahead of the machine's)"),
    }
}

/// The request for a step or a time.
fn moved(text: &str) -> anyhow::Result<Value> {
    if let Some(seconds) = text.strip_prefix('+').and_then(seconds) {
        return Ok(json!({ "advance_seconds": seconds }));
    }
    let time = if text.len() == "2027-01-01".len() { format!("{text}T00:00:00Z") } else { text.to_owned() };
    match parse_time(&time) {
        Some(_) => Ok(json!({ "set": time })),
        None => Err(usage(format!(
            "\"{text}\" is no time: write now, freeze, resume, a step such as +7d or +1h30m, or a time such as \
             2027-01-01T12:00:00Z"
        ))),
    }
}

/// The seconds in `1d12h`; units are w, d, h, m and s. `None` for another form, for zero, and for what does not fit.
fn seconds(text: &str) -> Option<i64> {
    let mut total: i64 = 0;
    for piece in text.split_inclusive(|c: char| !c.is_ascii_digit()) {
        let part = match piece.strip_suffix('w') {
            Some(weeks) => duration::seconds(&format!("{weeks}d"))?.checked_mul(7)?,
            None => duration::seconds(piece)?,
        };
        total = total.checked_add(part)?;
    }
    (1..i64::MAX).contains(&total).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_and_times_are_read_and_anything_else_is_refused() {
        assert_eq!(seconds("1w1d1h1m1s"), Some(604_800 + 86_400 + 3_600 + 61));
        for wrong in ["", "7", "d", "7y", "-1d", "1.5h", "99999999999999999999s", "7\u{e9}"] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
        assert_eq!(moved("+7d").unwrap(), json!({ "advance_seconds": 604_800 }));
        assert_eq!(moved("2027-01-01").unwrap(), json!({ "set": "2027-01-01T00:00:00Z" }));
        for wrong in ["later", "+7", "2027-13-01", "frozen"] {
            assert!(moved(wrong).unwrap_err().to_string().contains("such as +7d"), "{wrong}");
        }
    }
}
