//! From cells to records. A value that cannot be parsed is reported as damage and never panics.

use std::str::FromStr;

use super::dialect::Cell;
use crate::domain::{AccountId, ResourcePolicy, Scope, SecretName, TagKey, TagValue, Timestamp};
use crate::store::StoreError;

/// The cells of one row, which are taken from left to right.
#[derive(Debug)]
pub(super) struct Row {
    cells: std::vec::IntoIter<Cell>,
    /// The table, for error messages.
    table: &'static str,
}

impl Row {
    pub(super) fn new(table: &'static str, cells: Vec<Cell>) -> Self {
        Self { cells: cells.into_iter(), table }
    }

    pub(super) fn damaged(&self, what: &str) -> StoreError {
        StoreError::Corrupt(format!("{what} in table {}", self.table))
    }

    pub(super) fn optional_int(&mut self) -> Result<Option<i64>, StoreError> {
        match self.cells.next() {
            Some(Cell::Int(value)) => Ok(Some(value)),
            Some(Cell::Null) => Ok(None),
            _ => Err(self.damaged("an integer is missing")),
        }
    }

    pub(super) fn int(&mut self) -> Result<i64, StoreError> {
        self.optional_int()?.ok_or_else(|| self.damaged("an integer is NULL"))
    }

    /// An integer that is not negative.
    pub(super) fn count(&mut self) -> Result<u64, StoreError> {
        u64::try_from(self.int()?).map_err(|_negative| self.damaged("a count is negative"))
    }

    pub(super) fn version(&mut self) -> Result<u32, StoreError> {
        u32::try_from(self.int()?).map_err(|_too_large| self.damaged("a key version is out of range"))
    }

    pub(super) fn time(&mut self) -> Result<Timestamp, StoreError> {
        self.int().map(Timestamp::from_millis)
    }

    pub(super) fn optional_time(&mut self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.optional_int()?.map(Timestamp::from_millis))
    }

    pub(super) fn optional_text(&mut self) -> Result<Option<String>, StoreError> {
        match self.cells.next() {
            Some(Cell::Text(value)) => Ok(Some(value)),
            Some(Cell::Null) => Ok(None),
            _ => Err(self.damaged("a text is missing")),
        }
    }

    pub(super) fn text(&mut self) -> Result<String, StoreError> {
        self.optional_text()?.ok_or_else(|| self.damaged("a text is NULL"))
    }

    /// A text, parsed as `T`.
    pub(super) fn parsed<T: FromStr>(&mut self) -> Result<T, StoreError> {
        self.text()?.parse().map_err(|_invalid| self.damaged("an identifier is not valid"))
    }

    /// Key and value of a tag.
    pub(super) fn tag(&mut self) -> Result<(TagKey, TagValue), StoreError> {
        let (key, value) = (self.text()?, self.text()?);
        let tag = TagKey::stored(&key).ok().zip(TagValue::stored(&value).ok());
        tag.ok_or_else(|| self.damaged("a tag is not valid"))
    }

    /// Account and region.
    pub(super) fn scope(&mut self) -> Result<Scope, StoreError> {
        Ok(Scope { account: self.parsed()?, region: self.parsed()? })
    }

    pub(super) fn optional_parsed<T: FromStr>(&mut self) -> Result<Option<T>, StoreError> {
        let Some(text) = self.optional_text()? else { return Ok(None) };
        text.parse().map(Some).map_err(|_invalid| self.damaged("an identifier is not valid"))
    }

    /// The policy of a resource that an account owns.
    pub(super) fn policy(&mut self, account: &AccountId) -> Result<Option<ResourcePolicy>, StoreError> {
        let Some(text) = self.optional_text()? else { return Ok(None) };
        ResourcePolicy::parse(&text, account)
            .map(Some)
            .map_err(|_invalid| self.damaged("a policy is not valid"))
    }

    pub(super) fn optional_bytes(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        match self.cells.next() {
            Some(Cell::Bytes(value)) => Ok(Some(value)),
            Some(Cell::Null) => Ok(None),
            _ => Err(self.damaged("bytes are missing")),
        }
    }

    pub(super) fn bytes(&mut self) -> Result<Vec<u8>, StoreError> {
        self.optional_bytes()?.ok_or_else(|| self.damaged("bytes are NULL"))
    }

    /// Account, region and name.
    pub(super) fn place(&mut self) -> Result<(Scope, SecretName), StoreError> {
        let scope = Scope { account: self.parsed()?, region: self.parsed()? };
        Ok((scope, self.parsed()?))
    }
}
