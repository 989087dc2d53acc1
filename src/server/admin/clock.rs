//! `/_sesame/clock`: reading and moving the service's clock.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::{Failure, bad_request, internal};
use super::json_body::object;
use crate::domain::{ClockSetting, Timestamp};
use crate::ports::Clock;
use crate::server::shared::Shared;
use crate::wire::signature::parse_time;

/// How to move the clock; exactly one member is set.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockMove {
    advance_seconds: Option<i64>,
    set: Option<String>,
    freeze: Option<bool>,
    resume: Option<bool>,
}

/// The state of the clock.
fn clock_state(shared: &Shared) -> Json<Value> {
    let clock = &shared.settings.clock;
    Json(json!({
        "now": clock.now().to_string(),
        "machine": clock.wall().to_string(),
        "running": clock.is_running(),
    }))
}

/// Answers with the state of the clock.
pub(super) async fn read(State(shared): State<Arc<Shared>>) -> Json<Value> {
    clock_state(&shared)
}

/// Moves, stops or resumes the clock, and answers with its new state when everything that is due by then is done, or after 30
/// seconds.
///
/// # Errors
/// 400 when the body is not valid; 503 when the database does not answer.
pub(super) async fn advance(State(shared): State<Arc<Shared>>, body: Bytes) -> Result<Json<Value>, Failure> {
    let wanted: ClockMove = object(&body, r#"{"advance_seconds":3600}"#)?;
    let app = &shared.settings.app;
    let moved = match wanted {
        ClockMove { advance_seconds: Some(seconds), set: None, freeze: None, resume: None } => {
            if !(0..=MOST_SECONDS).contains(&seconds) {
                let message = format!("advance_seconds must be from 0 to {MOST_SECONDS} (100 years)");
                return Err(bad_request(&message));
            }
            app.move_clock_and_rotate(|clock| clock.advanced(seconds.saturating_mul(1000))).await
        }
        ClockMove { advance_seconds: None, set: Some(text), freeze: None, resume: None } => {
            let at = parse_time(&text)
                .ok_or_else(|| bad_request("set must be a time such as 2027-01-01T00:00:00Z"))?;
            app.move_clock_and_rotate(|clock| clock.standing(Timestamp::from_millis(at))).await
        }
        ClockMove { advance_seconds: None, set: None, freeze: Some(true), resume: None } => {
            let wall = app.clock().wall();
            let now = |clock: ClockSetting| clock.stands.unwrap_or(wall.plus_millis(clock.ahead_ms));
            app.move_clock_and_rotate(|clock| clock.standing(now(clock))).await
        }
        ClockMove { advance_seconds: None, set: None, freeze: None, resume: Some(true) } => {
            app.move_clock_and_rotate(|_| ClockSetting::default()).await
        }
        _ => {
            return Err(bad_request(
                "give exactly one of advance_seconds, set, freeze and resume, for example {\"advance_seconds\":3600}, {\"set\":\"2027-01-01T00:00:00Z\"}, {\"freeze\":true} or {\"resume\":true}",
            ));
        }
    };
    // Everything that the new time makes due is done before the answer.
    let rotations = moved.map_err(|e| internal(&e))?;
    let Json(mut facts) = clock_state(&shared);
    if let Some(members) = facts.as_object_mut() {
        members.insert("rotations".to_owned(), json!(rotations));
    }
    Ok(Json(facts))
}

/// The largest step, in seconds: 100 years.
const MOST_SECONDS: i64 = 3_153_600_000;
