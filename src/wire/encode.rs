//! Encodes answers as JSON or XML. Each response type is defined once for both.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::{Value, json};

use super::RequestId;
use super::error::ApiError;
use crate::app::{NoPermission, StatementTrace};

/// The format of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The default (protocol P27).
    Json,
    /// For `Format=XML`.
    Xml,
}

impl Format {
    /// Parses the parameter `Format`, ignoring case. Unknown formats mean JSON (protocol P28).
    pub fn of(parameter: Option<&str>) -> Self {
        if parameter.is_some_and(|text| text.eq_ignore_ascii_case("xml")) { Self::Xml } else { Self::Json }
    }

    /// The content type. Clients compare it exactly (protocol P30, P36).
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json;charset=utf-8",
            Self::Xml => "text/xml;charset=utf-8",
        }
    }
}

/// A response with its request id, which comes first.
#[derive(Serialize)]
struct Envelope<'a, T> {
    #[serde(rename = "RequestId")]
    request_id: RequestId,
    #[serde(flatten)]
    members: &'a T,
}

/// An error document with the members that clients read, capitalized (protocol P37, P38, P40).
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ErrorDocument<'a> {
    request_id: RequestId,
    http_status: u16,
    host_id: &'a str,
    code: &'a str,
    message: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_denied_detail: Option<AccessDeniedDetail<'a>>,
}

/// Why a permission was refused, in the form that SDKs report. `Policy`, `Statement` and `Sid` are an addition of
/// Sesame: the statement that denies. The cloud encrypts `EncodedDiagnosticMessage`; here it is base64 of every
/// evaluated statement.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AccessDeniedDetail<'a> {
    auth_action: &'a str,
    auth_principal_type: &'a str,
    auth_principal_owner_id: &'a str,
    auth_principal_display_name: &'a str,
    no_permission_type: &'a str,
    policy_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    statement: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a str>,
    encoded_diagnostic_message: String,
}

impl<'a> AccessDeniedDetail<'a> {
    fn of(denied: &'a NoPermission) -> Self {
        let denied = denied.to_caller();
        let (kind, owner, name) = &denied.principal;
        let by = denied.denied_by.as_ref().filter(|by| denied.may_see(by));
        let statements = denied.statements.iter().filter(|looked| denied.may_see(looked)).cloned().collect();
        let shown = NoPermission { statements, ..denied.clone() };
        Self {
            auth_action: &denied.action,
            auth_principal_type: kind,
            auth_principal_owner_id: owner,
            auth_principal_display_name: name,
            no_permission_type: if denied.explicit { "ExplicitDeny" } else { "ImplicitDeny" },
            policy_type: denied.policy_type,
            policy: by.map(|by| by.policy.as_str()),
            statement: by.map(|by| by.statement),
            sid: by.and_then(|by| by.sid.as_deref()),
            encoded_diagnostic_message: STANDARD.encode(diagnosis(&shown).to_string()),
        }
    }
}

/// Every evaluated statement, and why it does not apply.
pub fn diagnosis(denied: &NoPermission) -> Value {
    json!({
        "action": denied.action,
        "resource": denied.arn,
        "decision": if denied.explicit { "ExplicitDeny" } else { "ImplicitDeny" },
        "statements": denied.statements.iter().map(statement).collect::<Vec<_>>(),
    })
}

/// An evaluated statement of a policy, for people.
pub fn statement(looked: &StatementTrace) -> Value {
    json!({
        "policy": looked.policy,
        "statement": looked.statement,
        "sid": looked.sid,
        "effect": looked.effect,
        "applies": looked.mismatch.is_none(),
        "mismatch": looked.mismatch,
    })
}

/// The initial capacity for an answer, in bytes, which is enough for most.
const ORDINARY_BYTES: usize = 512;

/// The document of a successful answer.
///
/// # Errors
/// InvalidParameter naming `Format` if a value holds a character that XML cannot represent. An altered value would be
/// worse than none.
pub fn success<T: Serialize>(
    format: Format,
    action: &str,
    request_id: RequestId,
    members: &T,
) -> Result<Vec<u8>, ApiError> {
    let envelope = Envelope { request_id, members };
    match format {
        Format::Json => {
            // Most answers fit, so the buffer is not reallocated.
            let mut document = Vec::with_capacity(ORDINARY_BYTES);
            serde_json::to_writer(&mut document, &envelope).map_err(ApiError::internal)?;
            Ok(document)
        }
        Format::Xml => {
            let document = quick_xml::se::to_string_with_root(&format!("{action}Response"), &envelope)
                .map_err(ApiError::internal)?;
            if document.chars().any(|c| !is_xml_char(c)) {
                let why = "is XML, and the answer holds a character that XML cannot represent; ask for JSON";
                return Err(ApiError::invalid("Format", why));
            }
            Ok(xml(&document))
        }
    }
}

/// The document of an error. It never fails: characters that XML cannot represent are replaced.
pub fn error(format: Format, error: &ApiError, request_id: RequestId, host_id: &str) -> Vec<u8> {
    let message = match format {
        Format::Json => Cow::Borrowed(&*error.message),
        Format::Xml => error.message.chars().map(|c| if is_xml_char(c) { c } else { '\u{FFFD}' }).collect(),
    };
    let document = ErrorDocument {
        request_id,
        http_status: error.code.status(),
        host_id,
        code: &error.wire,
        message,
        access_denied_detail: error.denied.as_deref().map(AccessDeniedDetail::of),
    };
    let encoded = match format {
        Format::Json => serde_json::to_vec(&document).ok(),
        Format::Xml => quick_xml::se::to_string_with_root("Error", &document).ok().map(|text| xml(&text)),
    };
    encoded.unwrap_or_default()
}

/// Whether XML 1.0 can represent a character. Others must not occur in a document, not even escaped.
fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// The XML declaration. The serializer escapes carriage returns, which a parser would otherwise read as line feeds.
fn xml(document: &str) -> Vec<u8> {
    ["<?xml version=\"1.0\" encoding=\"UTF-8\"?>", document].concat().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Code;

    const ID: RequestId = RequestId::new(uuid::uuid!("ABCDEF00-0000-4000-8000-000000000001"));

    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Sample {
        data: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        absent: Option<String>,
        total_count: u32,
        tags: Tags,
    }

    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Tags {
        tag: Vec<Tag>,
    }

    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Tag {
        tag_key: &'static str,
    }

    fn sample(data: &str, keys: &[&'static str]) -> Sample {
        let tag = keys.iter().map(|tag_key| Tag { tag_key }).collect();
        Sample { data: data.to_owned(), absent: None, total_count: 2, tags: Tags { tag } }
    }

    fn encoded(format: Format, sample: &Sample) -> String {
        String::from_utf8(success(format, "Do", ID, sample).unwrap()).unwrap()
    }

    #[test]
    fn one_definition_gives_json_and_xml() {
        let two = sample("a<&>\"'\r\n\t中😀", &["x", "y"]);
        assert_eq!(
            encoded(Format::Json, &two),
            r#"{"RequestId":"ABCDEF00-0000-4000-8000-000000000001","Data":"a<&>\"'\r\n\t中😀","TotalCount":2,"Tags":{"Tag":[{"TagKey":"x"},{"TagKey":"y"}]}}"#
        );
        let head = r#"<?xml version="1.0" encoding="UTF-8"?><DoResponse><RequestId>ABCDEF00-0000-4000-8000-000000000001</RequestId>"#;
        let xml = encoded(Format::Xml, &two);
        assert!(xml.starts_with(head), "{xml}");
        assert!(xml.contains("<TotalCount>2</TotalCount><Tags><Tag><TagKey>x</TagKey></Tag><Tag><TagKey>y</TagKey></Tag></Tags></DoResponse>"), "{xml}");
        assert!(xml.contains("&lt;&amp;&gt;") && xml.contains("&#13;\n\t中😀"), "{xml}");
    }

    #[test]
    fn an_empty_list_keeps_its_wrapper() {
        let none = sample("", &[]);
        assert!(encoded(Format::Json, &none).contains(r#""Tags":{"Tag":[]}"#));
        let xml = encoded(Format::Xml, &none);
        assert!(xml.contains("<Tags/>") || xml.contains("<Tags></Tags>"), "{xml}");
    }

    #[test]
    fn what_xml_cannot_carry_is_refused_and_json_carries_it() {
        for bad in ["\u{1}", "\u{0}", "\u{FFFE}"] {
            let refused = success(Format::Xml, "Do", ID, &sample(bad, &[])).unwrap_err();
            assert_eq!((refused.code, refused.message.contains("Format")), (Code::InvalidParameter, true));
            assert!(success(Format::Json, "Do", ID, &sample(bad, &[])).is_ok());
        }
    }

    #[test]
    fn errors_have_capitalised_members_and_the_root_error() {
        let refused = ApiError::invalid("a\u{1}<", "is wrong");
        let json = String::from_utf8(error(Format::Json, &refused, ID, "host")).unwrap();
        assert_eq!(
            json,
            r#"{"RequestId":"ABCDEF00-0000-4000-8000-000000000001","HttpStatus":400,"HostId":"host","Code":"InvalidParameter","Message":"The specified parameter \"a\u0001<\" is not valid."}"#
        );
        let xml = String::from_utf8(error(Format::Xml, &refused, ID, "host")).unwrap();
        assert!(xml.contains("<Error><RequestId>ABCDEF00-0000-4000-8000-000000000001</RequestId><HttpStatus>400</HttpStatus>"), "{xml}");
        assert!(xml.contains("a\u{FFFD}&lt;"), "{xml}");
    }

    #[test]
    fn formats_are_read_in_any_case_and_unknown_ones_are_json() {
        for (text, want) in [
            (Some("XML"), Format::Xml),
            (Some("xml"), Format::Xml),
            (Some("None"), Format::Json),
            (Some("yaml"), Format::Json),
            (None, Format::Json),
        ] {
            assert_eq!(Format::of(text), want);
        }
    }
}
