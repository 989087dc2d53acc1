//! The policy of a secret or key: the original text and the parsed document.

use std::fmt;
use std::sync::Arc;

use super::document::{PolicyDocument, PolicyError, PolicyKind};
use crate::domain::AccountId;

/// A policy of a secret or key (rule 10.1). Cheap to clone. Two policies are equal when their texts are equal.
#[derive(Clone)]
pub struct ResourcePolicy {
    text: Arc<str>,
    document: Arc<PolicyDocument>,
}

impl ResourcePolicy {
    /// Parses the policy of a resource that `account` owns.
    ///
    /// # Errors
    /// Those of [`PolicyDocument::parse`].
    pub fn parse(text: &str, account: &AccountId) -> Result<Self, PolicyError> {
        let document = PolicyDocument::parse(text, PolicyKind::Resource { account: account.clone() })?;
        Ok(Self { text: text.into(), document: Arc::new(document) })
    }

    /// The original text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The parsed document.
    pub fn document(&self) -> &PolicyDocument {
        &self.document
    }
}

impl PartialEq for ResourcePolicy {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for ResourcePolicy {}

impl fmt::Debug for ResourcePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}
