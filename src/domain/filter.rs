//! Filters of ListSecrets (rules 5.4 to 5.8).

/// What a listed secret must match. Values of one key are OR-ed, keys are AND-ed; a key that is not given matches
/// everything. Comparison is exact and case-sensitive, except for the type.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SecretFilter {
    /// Names.
    pub names: Option<Vec<String>>,
    /// Descriptions.
    pub descriptions: Option<Vec<String>>,
    /// Keys of any of its tags.
    pub tag_keys: Option<Vec<String>>,
    /// Values of any of its tags, independent of the key (rule 5.6).
    pub tag_values: Option<Vec<String>>,
    /// Types, in lower case: the comparison ignores case (rule 5.6).
    pub types: Option<Vec<String>>,
    /// Set when a key is given that no secret can match here (an instance, a creator).
    pub nothing: bool,
}

/// The most secrets that a filter by tag returns over all pages (rule 5.8).
pub const TAG_FILTER_CAP: u64 = 4000;

impl SecretFilter {
    /// The keys that the service knows.
    pub const KEYS: &[&str] =
        &["SecretName", "Description", "TagKey", "TagValue", "SecretType", "DKMSInstanceId", "Creator"];

    /// Adds the values of one key. Values of a repeated key are joined.
    ///
    /// # Errors
    /// Returns `Err` for a key that the service does not know (rule 5.7).
    pub fn add(&mut self, key: &str, values: Vec<String>) -> Result<(), UnknownKey> {
        let slot = match key {
            "SecretName" => &mut self.names,
            "Description" => &mut self.descriptions,
            "TagKey" => &mut self.tag_keys,
            "TagValue" => &mut self.tag_values,
            "SecretType" => {
                let lower = values.into_iter().map(|v| v.to_ascii_lowercase());
                self.types.get_or_insert_default().extend(lower);
                return Ok(());
            }
            // No secret here belongs to an instance or has a creator of its own.
            "DKMSInstanceId" | "Creator" => {
                self.nothing = true;
                return Ok(());
            }
            _ => return Err(UnknownKey),
        };
        slot.get_or_insert_default().extend(values);
        Ok(())
    }

    /// Whether it filters by tag, so that [`TAG_FILTER_CAP`] applies.
    pub fn by_tag(&self) -> bool {
        self.tag_keys.is_some() || self.tag_values.is_some()
    }
}

/// A filter key that the service does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownKey;
