//! What `/_sesame` is asked is read strictly: a misspelled parameter or member is refused, with the name that was meant.

use axum::body::Bytes;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use http_body_util::{BodyExt, Collected, Limited};
use serde::de::DeserializeOwned;

use super::{Failure, failure};
use crate::domain::AccountId;
use crate::domain::nearest::{nearest, with_suggestion};
use crate::store::ReplaceScope;
use crate::wire::params::Pairs;
use crate::wire::reason::{MOST_BYTES, NAME_BYTES, shown};

/// What a query parameter of `/_sesame` may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A text that its endpoint checks.
    Text,
    /// Set when it is there without a value, or is `true`.
    Flag,
}

/// A query parameter.
type Parameter = (&'static str, Kind);

const ACCOUNT: Parameter = ("account", Kind::Text);

/// Every endpoint: its path below `/_sesame`, in which `{…}` stands for one segment; its methods; its query parameters.
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
    ("/faults", "GET", &[]),
    ("/faults", "PUT", &[]),
    ("/faults", "DELETE", &[]),
    ("/state", "GET", &[ACCOUNT, ("plaintext", Kind::Flag)]),
    ("/state", "PUT", &[ACCOUNT]),
    ("/seed", "POST", &[]),
    ("/snapshots", "GET", &[]),
    ("/snapshots/{name}", "POST", &[ACCOUNT]),
    ("/snapshots/{name}", "DELETE", &[]),
    ("/snapshots/{name}/restore", "POST", &[]),
    ("/requests", "GET", &[("action", Kind::Text), ("limit", Kind::Text), ("follow", Kind::Flag)]),
    ("/metrics", "GET", &[]),
];

/// The query of a request to `/_sesame`, checked: only parameters that the endpoint knows, each once.
#[derive(Debug, Clone, Default)]
pub(in crate::server) struct Parameters(Vec<(&'static str, String)>);

impl Parameters {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(given, _)| *given == name).map(|(_, value)| value.as_str())
    }

    /// The text of a parameter.
    pub(in crate::server) fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    /// Whether a flag is set.
    pub(in crate::server) fn flag(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value != "false")
    }

    /// A number from 1.
    ///
    /// # Errors
    /// 400 for anything else, and for more than `most`.
    pub(in crate::server) fn number(&self, name: &str, most: usize) -> Result<Option<usize>, Failure> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let number = text.parse().ok().filter(|number| (1..=most).contains(number));
        let wrong = || bad(&format!("{name} must be a whole number from 1 to {most}, such as {name}=10"));
        number.ok_or_else(wrong).map(Some)
    }

    /// The account that is named, if one is.
    ///
    /// # Errors
    /// 400 for what is no account id.
    pub(in crate::server) fn account(&self) -> Result<Option<AccountId>, Failure> {
        let wrong = |invalid| bad(&format!("account {invalid}"));
        self.get("account").map(|text| text.parse().map_err(wrong)).transpose()
    }

    /// What is replaced: everything of the account that is named, or everything.
    ///
    /// # Errors
    /// As [`Parameters::account`].
    pub(in crate::server) fn instead(&self) -> Result<ReplaceScope, Failure> {
        Ok(self.account()?.map_or(ReplaceScope::Everything, ReplaceScope::Account))
    }
}

fn bad(message: &str) -> Failure {
    failure(StatusCode::BAD_REQUEST, message)
}

/// Lets a request through whose path, method and query parameters there are; its handler finds [`Parameters`].
pub(in crate::server) async fn checked(mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    // The router hands this the path below /_sesame.
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

/// The same answer; a refusal that the web framework made, such as of a body that is too long, in the form of all others.
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

/// Whether a path is one of this form.
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
    let message = format!("/_sesame{path} takes {known} only");
    let mut response = failure(StatusCode::METHOD_NOT_ALLOWED, &message).into_response();
    if let Ok(allow) = HeaderValue::try_from(known) {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}

/// Reads a query that may hold these parameters.
fn parameters(query: &str, known: &'static [Parameter]) -> Result<Parameters, Failure> {
    let pairs = Pairs::parse(query).map_err(|error| bad(&format!("the query cannot be read: {error}")))?;
    let mut read = Parameters::default();
    for (name, value) in pairs.iter() {
        let Some((name, kind)) = known.iter().find(|(known, _)| *known == name) else {
            return Err(bad(&unknown_parameter(name, known)));
        };
        if read.get(name).is_some() {
            return Err(bad(&format!("{name} is given more than once")));
        }
        if *kind == Kind::Flag && !matches!(value, "" | "true" | "false") {
            return Err(bad(&format!("{name} takes no value, or true or false: ?{name}")));
        }
        read.0.push((name, value.to_owned()));
    }
    Ok(read)
}

fn unknown_parameter(name: &str, known: &[Parameter]) -> String {
    let names = || known.iter().map(|(name, _)| *name);
    let shown = shown(name, NAME_BYTES);
    if known.is_empty() {
        return format!("there is no parameter {shown} here: this endpoint takes none");
    }
    let hint = nearest(name, names()).map(|name| format!("did you mean {name}? ")).unwrap_or_default();
    let list = names().collect::<Vec<_>>().join(", ");
    format!("there is no parameter {shown} here; {hint}the known ones are {list}")
}

/// Reads a JSON body. `example` shows what is expected.
///
/// # Errors
/// 400 with the line and column; for an unknown name also the known one that is nearest.
pub(in crate::server) fn json<T: DeserializeOwned>(body: &Bytes, example: &str) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| not_json(&error, example))
}

/// The same for an object. serde would take a list for one, by the order of its members.
///
/// # Errors
/// As [`json`], and for a list.
pub(in crate::server) fn object<T: DeserializeOwned>(body: &Bytes, example: &str) -> Result<T, Failure> {
    if body.trim_ascii_start().starts_with(b"[") {
        return Err(bad(&format!("the body is a list, and an object is expected; an example: {example}")));
    }
    json(body, example)
}

/// What is wrong with a JSON body.
pub(in crate::server) fn not_json(error: &serde_json::Error, example: &str) -> Failure {
    let said = with_suggestion(&error.to_string());
    bad(&format!("the body is not as expected: {said}; an example: {example}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_fits_its_form() {
        assert!(fits("/clock", "/clock") && fits("/accounts/{id}", "/accounts/7"));
        for path in ["/clock/", "/cloc", "/accounts/", "/accounts/7/", "/accounts", "//7", "/"] {
            assert!(!fits("/clock", path) && !fits("/accounts/{id}", path), "{path}");
        }
    }

    #[test]
    fn parameters_are_known_given_once_and_flags_are_flags() {
        let known: &'static [Parameter] = &[ACCOUNT, ("plaintext", Kind::Flag)];
        let read = |query: &str| {
            parameters(query, known).map_err(|(_, body)| body.0["error"].as_str().unwrap().to_owned())
        };
        assert!(
            read("plaintext").unwrap().flag("plaintext") && read("plaintext=true").unwrap().flag("plaintext")
        );
        assert!(!read("").unwrap().flag("plaintext") && !read("plaintext=false").unwrap().flag("plaintext"));
        assert!(read("account=7").unwrap().account().unwrap().is_some());
        for (query, want) in [
            (
                "acount=7",
                "there is no parameter acount here; did you mean account? the known ones are account, plaintext",
            ),
            ("zzz", "there is no parameter zzz here; the known ones are account, plaintext"),
            ("account=7&account=7", "account is given more than once"),
            ("plaintext=1", "plaintext takes no value, or true or false: ?plaintext"),
            ("account=%zz", "the query cannot be read: "),
        ] {
            assert!(read(query).unwrap_err().starts_with(want), "{query}: {:?}", read(query));
        }
        let none = parameters("a", &[]).unwrap_err().1.0["error"].to_string();
        assert!(none.contains("this endpoint takes none"), "{none}");
        assert!(read("account=x").unwrap().account().is_err());
    }

    #[test]
    fn numbers_are_bounded() {
        let of = |text: &str| Parameters(vec![("limit", text.to_owned())]).number("limit", 1000).ok();
        assert_eq!((of("1"), of("1000")), (Some(Some(1)), Some(Some(1000))));
        for bad in ["0", "1001", "-1", "x", "", "99999999999999999999", "1.0"] {
            assert_eq!(of(bad), None, "{bad}");
        }
        assert_eq!(Parameters::default().number("limit", 1000).ok(), Some(None));
    }
}
