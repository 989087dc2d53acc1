//! The reasons of errors that the server itself finds, for developers.

use crate::actions::{self, ACTIONS, PRODUCTS};
use crate::app::{NoPermission, SKEW_MS};
use crate::domain::Timestamp;
use crate::domain::nearest::nearest;
use crate::ports::Clock;
use crate::server::shared::Shared;
use crate::wire::reason::{NAME_BYTES, shown};
use crate::wire::signature::{AuthError, SignedClaim};
use crate::wire::{ApiError, Code};

/// The action does not exist in this version.
pub(super) fn unknown_action(name: &str, version: &str) -> String {
    let sent = shown(name, NAME_BYTES);
    for other in PRODUCTS.iter().filter(|other| other.version != version) {
        if other.actions.iter().any(|action| action.name() == name) {
            let (other, product) = (other.version, other.name);
            return format!("{sent} is an action of Version {other} ({product}), but {version} was sent");
        }
    }
    let known = actions::of_version(version).into_iter().flat_map(|product| product.actions);
    match nearest(name, known.map(|action| action.name())) {
        Some(action) if action.eq_ignore_ascii_case(name) => {
            format!("there is no action {sent}; names are case-sensitive, so write {action}")
        }
        Some(action) => format!("there is no action {sent}; did you mean {action}?"),
        None => format!("there is no action {sent} in Version {version}; docs/actions.md lists the actions"),
    }
}

/// The version does not exist.
pub(super) fn unknown_version(version: &str) -> String {
    let sent = shown(version, NAME_BYTES);
    let known: Vec<String> =
        PRODUCTS.iter().map(|product| format!("{} ({})", product.version, product.name)).collect();
    format!("Version {sent} is unknown; the known versions are {}", known.join(", "))
}

/// The host belongs to a service that is not served here.
pub(super) fn other_host(host: &str) -> String {
    format!(
        "under the host {host} only Location's DescribeEndpoints (Version {}) is served; send requests to Kms and Sts to \
         localhost, or to a host such as kms.cn-hangzhou.aliyuncs.com",
        actions::LOCATION.version
    )
}

/// The path is not that of the API.
pub(super) fn unknown_path(path: &str) -> String {
    let sent = shown(path, NAME_BYTES);
    format!(
        "nothing is served at {sent}: the API is at /, and administration is below /_sesame/, such as /_sesame/health"
    )
}

/// The API does not allow the method.
pub(super) fn unknown_method(method: &str) -> String {
    format!("the API allows GET and POST, not {}", shown(method, NAME_BYTES))
}

/// `name`, which is `Action` or `Version`, is missing. `ignored` is the Content-Type of a body that was not read for parameters.
pub(super) fn missing(name: &str, ignored: Option<&str>) -> String {
    let header = format!("x-acs-{}", name.to_ascii_lowercase());
    let example =
        if name == "Action" { ACTIONS.first().map_or("", |action| action.name()) } else { actions::VERSION };
    match ignored {
        Some(kind) => format!(
            "{name} was not sent; the body was not read for parameters, because its Content-Type is {} and not \
             application/x-www-form-urlencoded or application/json",
            shown(kind, NAME_BYTES)
        ),
        None => format!(
            "{name} was not sent; send it as a parameter, such as {name}={example}, or with a signature in headers as {header}"
        ),
    }
}

/// The access key is unknown.
pub(super) fn unknown_key(shared: &Shared, id: &str) -> String {
    let (sent, mode) = (shown(id, NAME_BYTES), shared.settings.mode.as_str());
    format!(
        "there is no access key {sent}; in mode {mode} every key must be configured, in [[accounts]] of the configuration file \
         (--config) or by PUT /_sesame/accounts/ID"
    )
}

/// The request has no signature.
pub(super) fn unsigned(shared: &Shared) -> String {
    let mode = shared.settings.mode.as_str();
    format!("in mode {mode} every request must be signed with an access key, but this one is not")
}

/// The signature is too old, or its time is in the future.
pub(super) fn expired(signed_at: Timestamp, clock: &dyn Clock) -> String {
    let (wall, now) = (clock.wall(), clock.now());
    let side = if signed_at < wall { "before" } else { "after" };
    let distance = span(wall.distance_ms(signed_at));
    let allowed = span(SKEW_MS.unsigned_abs());
    let moved = if wall.distance_ms(now) > 1000 {
        let distance = span(now.distance_ms(signed_at));
        format!(
            ". The service's clock was moved (POST /_sesame/clock) and shows {now}, which is also {distance} away"
        )
    } else {
        String::new()
    };
    format!(
        "the request was signed at {signed_at}, which is {distance} {side} the server's time {wall}; at most {allowed} are \
         allowed{moved}"
    )
}

/// A duration in its two largest units, for example `2 h 5 min`.
fn span(ms: u64) -> String {
    let seconds = ms / 1000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes, seconds % 60) {
        (0, 0, 0, s) => format!("{s} s"),
        (0, 0, m, 0) => format!("{m} min"),
        (0, 0, m, s) => format!("{m} min {s} s"),
        (0, h, m, _) => format!("{h} h {m} min"),
        (d, h, ..) => format!("{d} d {h} h"),
    }
}

/// The error for a wrong signature with a known key.
pub(super) fn unproven(claim: &SignedClaim<'_>, error: AuthError) -> ApiError {
    let scheme = claim.scheme.as_str();
    let reason = match &error {
        AuthError::Mismatch(_) if claim.scheme.uses_public_key() => Some(format!(
            "the access key is known, but the {scheme} signature was not made with its private key over this request"
        )),
        AuthError::Mismatch(_) => Some(format!(
            "the access key is known, but the {scheme} signature does not match: either the client has another secret than \
             the server, or the request was changed after it was signed (a proxy, a parameter, the method)"
        )),
        AuthError::WrongMaterial => Some(format!(
            "the access key is known, but {scheme} needs {}",
            if claim.scheme.uses_public_key() {
                "a key with public_key, and this one has a secret"
            } else {
                "a secret, and this one has a public_key"
            }
        )),
        _ => None,
    };
    let plain = ApiError::from(error);
    reason.map_or_else(|| plain.clone(), |reason| ApiError { reason: reason.into(), ..plain.clone() })
}

/// The part of a reason that the caller may know. The cause of an internal error and the policies of another account are shown
/// only in the log and in `/_sesame/requests`.
pub(super) fn for_the_caller<'r>(error: &ApiError, reason: Option<&'r str>) -> Option<&'r str> {
    if error.code == Code::InternalFailure {
        return Some("internal error; the server's log has the cause under this request id");
    }
    match error.denied.as_deref().map(NoPermission::to_caller) {
        Some(denied) if !denied.own && !denied.statements.is_empty() => {
            Some("the policies of another account do not allow this caller")
        }
        _ => reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::ServerClock;

    #[test]
    fn a_duration_is_shown_in_its_two_largest_units() {
        for (ms, want) in [
            (0, "0 s"),
            (59_999, "59 s"),
            (900_000, "15 min"),
            (901_000, "15 min 1 s"),
            (7_500_000, "2 h 5 min"),
            (90_000_000, "1 d 1 h"),
        ] {
            assert_eq!(span(ms), want);
        }
    }

    #[test]
    fn an_unknown_action_is_answered_with_the_closest_known_one() {
        let said = |name: &str, version: &str| unknown_action(name, version);
        assert_eq!(
            said("GetSecretValu", actions::VERSION),
            "there is no action GetSecretValu; did you mean GetSecretValue?"
        );
        assert_eq!(
            said("getSecretValue", actions::VERSION),
            "there is no action getSecretValue; names are case-sensitive, so write GetSecretValue"
        );
        assert_eq!(
            said("AssumeRole", actions::VERSION),
            "AssumeRole is an action of Version 2015-04-01 (Sts), but 2016-01-20 was sent"
        );
        assert_eq!(
            said("ListSecrets", actions::STS.version),
            "ListSecrets is an action of Version 2016-01-20 (Kms), but 2015-04-01 was sent"
        );
        let far = said("Frobnicate\r\nX: y", actions::VERSION);
        assert!(
            far.starts_with("there is no action Frobnicate\\u{d}\\u{a}X: y in Version 2016-01-20; "),
            "{far}"
        );
    }

    #[test]
    fn the_reason_for_an_expired_request_names_both_times_and_the_allowed_distance() {
        let clock = ServerClock::default();
        let wall = clock.wall();
        let said = expired(wall.plus_millis(-3_900_000), &clock);
        assert!(said.contains(" which is 1 h 5 min before the server's time "), "{said}");
        assert!(said.ends_with("at most 15 min are allowed"), "{said}");
        let said = expired(wall.plus_millis(86_400_000 + 7_200_000), &clock);
        assert!(said.contains(" after the server's time "), "{said}");
        clock.advance(10_000_000);
        let said = expired(wall.plus_millis(-3_900_000), &clock);
        assert!(said.contains("The service's clock was moved (POST /_sesame/clock) and shows "), "{said}");
    }
}
