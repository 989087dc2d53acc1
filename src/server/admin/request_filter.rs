//! What a request of the log is compared with: a filter of `/_sesame/requests`, or an expectation.

use std::borrow::Cow;

use super::parameters::Parameters;
use crate::domain::policy::Pattern;
use crate::server::shared::LoggedRequest;

/// A member of a logged request that can be asked for by a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    RequestId,
    Action,
    Secret,
    Key,
    Version,
    Label,
    Caller,
    AccessKey,
    Source,
    UserAgent,
    Scheme,
    Region,
    Status,
    Code,
    Reason,
    Injected,
}

impl Field {
    /// All of them.
    pub(super) const ALL: [Self; 16] = [
        Self::RequestId,
        Self::Action,
        Self::Secret,
        Self::Key,
        Self::Version,
        Self::Label,
        Self::Caller,
        Self::AccessKey,
        Self::Source,
        Self::UserAgent,
        Self::Scheme,
        Self::Region,
        Self::Status,
        Self::Code,
        Self::Reason,
        Self::Injected,
    ];

    /// Its name in queries, expectations and answers.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::RequestId => "request_id",
            Self::Action => "action",
            Self::Secret => "secret",
            Self::Key => "key",
            Self::Version => "version",
            Self::Label => "label",
            Self::Caller => "caller",
            Self::AccessKey => "access_key",
            Self::Source => "source",
            Self::UserAgent => "user_agent",
            Self::Scheme => "scheme",
            Self::Region => "region",
            Self::Status => "status",
            Self::Code => "code",
            Self::Reason => "reason",
            Self::Injected => "injected",
        }
    }

    /// Its texts in a request: several secrets; the version that was asked for and the one that was answered.
    pub(super) fn texts(self, entry: &LoggedRequest) -> Vec<Cow<'_, str>> {
        let asked = &entry.asked;
        match self {
            Self::RequestId => vec![entry.request_id.to_string().into()],
            Self::Action => entry.action.as_deref().map(Cow::Borrowed).into_iter().collect(),
            Self::Secret => asked.secrets().map(Cow::Borrowed).collect(),
            Self::Key => asked.key().map(Cow::Borrowed).into_iter().collect(),
            Self::Version => {
                asked.version().into_iter().chain(entry.answered_version()).map(Cow::Borrowed).collect()
            }
            Self::Label => {
                asked.label().into_iter().chain(entry.answered_labels()).map(Cow::Borrowed).collect()
            }
            Self::Caller => entry.caller.iter().map(|(principal, _)| principal.arn().into()).collect(),
            Self::AccessKey => {
                let claimed = entry.claimed_access_key.as_deref();
                entry.access_key().into_iter().chain(claimed).map(Cow::Borrowed).collect()
            }
            Self::Source => vec![entry.source.to_string().into()],
            Self::UserAgent => asked.user_agent().map(Cow::Borrowed).into_iter().collect(),
            Self::Scheme => entry.scheme.map(Cow::Borrowed).into_iter().collect(),
            Self::Region => vec![entry.region.as_str().into()],
            Self::Status => vec![entry.status.to_string().into()],
            Self::Code => entry.code.as_deref().map(Cow::Borrowed).into_iter().collect(),
            Self::Reason => entry.reason.as_deref().map(Cow::Borrowed).into_iter().collect(),
            Self::Injected => vec![entry.injected.is_some().to_string().into()],
        }
    }
}

/// A pattern for a field. `*` stands for any text and `?` for one character. No pattern fits a field that is absent.
#[derive(Debug)]
pub(super) struct FieldPattern {
    pub(super) field: Field,
    pub(super) pattern: Pattern,
}

impl FieldPattern {
    pub(super) fn new(field: Field, pattern: &str) -> Self {
        Self { field, pattern: Pattern::exact_case(pattern) }
    }

    /// Whether a request fits.
    pub(super) fn fits(&self, entry: &LoggedRequest) -> bool {
        self.field.texts(entry).iter().any(|text| self.pattern.matches(text))
    }
}

/// The patterns that a query asks for.
pub(super) fn of_query(parameters: &Parameters) -> Vec<FieldPattern> {
    let given = |field: Field| Some(FieldPattern::new(field, &parameters.text(field.name())?));
    Field::ALL.into_iter().filter_map(given).collect()
}
