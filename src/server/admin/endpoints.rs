//! The table of endpoints below `/_sesame`. Unknown paths, methods and parameters are refused, with the closest known name as a
//! suggestion.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use http_body_util::{BodyExt, Collected, Limited};

use super::failure::failure;
use super::parameters::{ACCOUNT, Parameter, ParameterKind, parameters};
use super::request_filter::Field;
use super::window::{AFTER, FOLLOW, LIMIT, SINCE, UNTIL};
use crate::domain::nearest::nearest;
use crate::wire::reason::{MOST_BYTES, NAME_BYTES, shown};

/// All endpoints: path below `/_sesame`, where `{…}` matches one segment; method; query parameters.
const ENDPOINTS: &[(&str, &str, &[Parameter])] = &[
    ("/health", "GET", &[]),
    ("/ready", "GET", &[]),
    ("/ca.pem", "GET", &[]),
    ("/clock", "GET", &[]),
    ("/clock", "POST", &[]),
    ("/reset", "POST", &[ACCOUNT]),
    ("/accounts", "GET", &[]),
    ("/accounts/{id}", "GET", &[]),
    ("/accounts/{id}", "PUT", &[]),
    ("/accounts/{id}", "DELETE", &[]),
    ("/faults", "GET", &[ACCOUNT]),
    ("/faults", "POST", &[ACCOUNT]),
    ("/faults", "PUT", &[ACCOUNT]),
    ("/faults", "DELETE", &[ACCOUNT]),
    ("/faults/{id}", "DELETE", &[ACCOUNT]),
    ("/state", "GET", &[ACCOUNT, ("plaintext", ParameterKind::Flag)]),
    ("/state", "PUT", &[ACCOUNT]),
    ("/seed", "POST", &[]),
    (
        "/secrets",
        "GET",
        &[
            ("prefix", ParameterKind::Text),
            ("tag", ParameterKind::Text),
            ("type", ParameterKind::Text),
            ("key", ParameterKind::Text),
            ("state", ParameterKind::Text),
            ACCOUNT,
            ("region", ParameterKind::Text),
            AFTER,
            LIMIT,
        ],
    ),
    ("/policy/test", "POST", &[]),
    ("/snapshots", "GET", &[]),
    ("/snapshots/{name}", "POST", &[ACCOUNT]),
    ("/snapshots/{name}", "DELETE", &[]),
    ("/snapshots/{name}/restore", "POST", &[]),
    ("/requests", "GET", REQUESTS),
    ("/requests/verify", "POST", &[ACCOUNT, SINCE, UNTIL, AFTER]),
    ("/metrics", "GET", &[]),
    ("/rotators", "GET", &[]),
    ("/rotators/{name}/check", "POST", &[]),
    ("/rotations", "GET", &[SECRET, ACCOUNT, SINCE, UNTIL, AFTER, LIMIT]),
    ("/rotations", "POST", &[ACCOUNT]),
    ("/events", "GET", &[("name", ParameterKind::Text), SECRET, ACCOUNT, SINCE, UNTIL, AFTER, LIMIT, FOLLOW]),
];

const SECRET: Parameter = ("secret", ParameterKind::Text);

/// The parameters of the request log: a window, and a pattern for each field.
const REQUESTS: &[Parameter] = &{
    let mut all = [ACCOUNT; 6 + Field::ALL.len()];
    let window = [ACCOUNT, SINCE, UNTIL, AFTER, LIMIT, FOLLOW];
    let mut at = 0;
    while at < all.len() {
        all[at] = if at < 6 { window[at] } else { (Field::ALL[at - 6].name(), ParameterKind::Text) };
        at += 1;
    }
    all
};

/// Refuses unknown paths, methods and query parameters. Hands the parsed query to the handler as an extension of type
/// [`Parameters`](super::parameters::Parameters).
pub(super) async fn checked(mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    // The router has removed /_sesame from the path.
    let rows = || ENDPOINTS.iter().filter(|(known, ..)| fits(known, path));
    let method = match request.method().as_str() {
        "HEAD" => "GET",
        method => method,
    };
    let Some((_, _, known)) = rows().find(|(_, taken, _)| *taken == method) else {
        let methods: Vec<&str> = rows().map(|(_, method, _)| *method).collect();
        return if methods.is_empty() { unknown_path(path) } else { unknown_method(path, &methods) };
    };
    match parameters(request.uri().query().unwrap_or_default(), known) {
        Ok(parameters) => {
            request.extensions_mut().insert(parameters);
            in_json(next.run(request).await).await
        }
        Err(wrong) => wrong.into_response(),
    }
}

/// Turns a plain-text error of axum into our JSON form. Other responses stay as they are.
async fn in_json(response: Response) -> Response {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if !response.status().is_client_error() || kind.is_some_and(|kind| kind.starts_with("application/json")) {
        return response;
    }
    let status = response.status();
    let text = Limited::new(response.into_body(), MOST_BYTES).collect().await.map(Collected::to_bytes);
    let text =
        text.ok().map(|text| String::from_utf8_lossy(&text).into_owned()).filter(|text| !text.is_empty());
    let text = text.unwrap_or_else(|| status.canonical_reason().unwrap_or("refused").to_owned());
    failure(status, &text).into_response()
}

/// Whether a path matches a path of the table.
fn fits(form: &str, path: &str) -> bool {
    let fits = |(form, segment): (&str, &str)| {
        if form.starts_with('{') { !segment.is_empty() } else { form == segment }
    };
    form.split('/').count() == path.split('/').count() && form.split('/').zip(path.split('/')).all(fits)
}

fn unknown_path(path: &str) -> Response {
    let hint = match nearest(path, ENDPOINTS.iter().map(|(known, ..)| *known)) {
        Some(known) => format!("did you mean /_sesame{known}?"),
        None => {
            let mut known: Vec<&str> = ENDPOINTS.iter().map(|(known, ..)| *known).collect();
            known.dedup();
            format!("the endpoints below /_sesame are {}", known.join(", "))
        }
    };
    let path = shown(path, NAME_BYTES);
    failure(StatusCode::NOT_FOUND, &format!("there is no endpoint /_sesame{path}; {hint}")).into_response()
}

fn unknown_method(path: &str, methods: &[&str]) -> Response {
    let (path, known) = (shown(path, NAME_BYTES), methods.join(", "));
    let message = format!("/_sesame{path} allows only {known}");
    let mut response = failure(StatusCode::METHOD_NOT_ALLOWED, &message).into_response();
    if let Ok(allow) = HeaderValue::try_from(known) {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_each_route_and_method_and_no_others() {
        let source = include_str!("mod.rs");
        let mut routed = Vec::new();
        for route in source.split(".route(\"").skip(1) {
            let (path, rest) = route.split_once('"').unwrap();
            let handlers = rest.split(['\n', ';']).next().unwrap();
            for (name, method) in [("get(", "GET"), ("post(", "POST"), ("put(", "PUT"), ("delete(", "DELETE")]
            {
                if handlers.contains(name) {
                    routed.push((path, method));
                }
            }
        }
        let mut listed: Vec<_> = ENDPOINTS.iter().map(|(path, method, _)| (*path, *method)).collect();
        listed.sort_unstable();
        routed.sort_unstable();
        assert_eq!(listed, routed);
    }

    #[test]
    fn a_path_fits_its_form() {
        assert!(fits("/clock", "/clock") && fits("/accounts/{id}", "/accounts/7"));
        for path in ["/clock/", "/cloc", "/accounts/", "/accounts/7/", "/accounts", "//7", "/"] {
            assert!(!fits("/clock", path) && !fits("/accounts/{id}", path), "{path}");
        }
    }
}
