//! Listing secrets, their tags, and totals.

use serde_json::Value;

use super::dialect::{Dialect, Param};
use super::listings::{End, Total};
use super::rows::Row;
use super::sql_store::SqlStore;
use super::statements as sql;
use crate::domain::filter::TAG_FILTER_CAP;
use crate::domain::{Page, Scope, SecretFilter, Timestamp};
use crate::store::{Listing, SecretSummary, StoreError, TagRow};

impl<D: Dialect> SqlStore<D> {
    /// A page of all secrets of a scope.
    pub(super) async fn list_all(
        &self,
        scope: &Scope,
        page: Page,
        now: Timestamp,
    ) -> Result<Listing, StoreError> {
        let Some(listings) = &self.listings else {
            let total = count(self.rows("secrets", sql::COUNT_SECRETS, &scoped(scope, now)).await?)?;
            let rows = self.rows_after(None, scope, page.offset(), page.size, now).await?;
            return Ok(Listing { total, rows });
        };
        let changes = listings.changes();
        let total = match listings.total(scope, now) {
            Some(total) => total,
            None => {
                let secrets = count(self.rows("secrets", sql::COUNT_SECRETS, &scoped(scope, now)).await?)?;
                let next = self.rows("secrets", sql::PURGE_AFTER, &[now.as_millis().into()]).await?;
                let until = next.into_iter().next().map(|mut row| row.time()).transpose()?;
                listings.cache_total(scope, Total { secrets, from: now, until }, changes);
                secrets
            }
        };
        let known = listings.end_before(scope, now, page.offset());
        // If rows must be skipped, the last of them is read and remembered, so that they are skipped only once.
        let skips = page.offset() > known.as_ref().map_or(0, |(before, _)| *before);
        let (first, size) = (page.offset() - u64::from(skips), page.size + u32::from(skips));
        let mut rows = self.rows_after(known, scope, first, size, now).await?;
        let ends =
            [(page.offset(), rows.first().filter(|_| skips)), (first + rows.len() as u64, rows.last())];
        for (count, row) in ends {
            if let Some(SecretSummary { created, name, .. }) = row {
                let end = End { created: *created, name: name.clone() };
                listings.cache_page_end(scope, now, count, end, changes);
            }
        }
        if skips && !rows.is_empty() {
            rows.remove(0);
        }
        Ok(Listing { total, rows })
    }

    /// `size` rows after the `first` ones. `known` is a remembered page end among these, from which the skipping starts.
    async fn rows_after(
        &self,
        known: Option<(u64, End)>,
        scope: &Scope,
        first: u64,
        size: u32,
        now: Timestamp,
    ) -> Result<Vec<SecretSummary>, StoreError> {
        let [account, region, now] = scoped(scope, now);
        let size = i64::from(size).into();
        let rows = match &known {
            None => {
                let params = [account, region, now, size, offset(first)];
                self.rows("secrets", sql::LIST_SECRETS, &params).await?
            }
            Some((before, End { created, name })) => {
                let left = offset(first.saturating_sub(*before));
                let (created, name) = (created.as_millis().into(), name.as_str().into());
                let params = [account, region, now, size, left, created, name];
                self.rows("secrets", sql::LIST_SECRETS_AFTER, &params).await?
            }
        };
        summaries(rows)
    }

    pub(super) async fn list_filtered(
        &self,
        scope: &Scope,
        filter: &SecretFilter,
        page: Page,
        now: Timestamp,
    ) -> Result<Listing, StoreError> {
        let arrays =
            [&filter.names, &filter.descriptions, &filter.types, &filter.tag_keys, &filter.tag_values]
                .map(|values| array(values.as_ref().map(|v| v.iter().map(String::as_str))));
        let [account, region, now] = scoped(scope, now);
        let [names, descriptions, types, keys, values] = arrays.each_ref().map(|a| Param::from(a.as_deref()));
        let params = [account, region, now, names, descriptions, types, keys, values];
        let mut total = count(self.rows("secrets", D::COUNT_FILTERED, &params).await?)?;
        let mut size = u64::from(page.size);
        if filter.by_tag() {
            total = total.min(TAG_FILTER_CAP);
            size = size.min(TAG_FILTER_CAP.saturating_sub(page.offset()));
        }
        let size = i64::try_from(size).unwrap_or_default();
        let params = [
            account,
            region,
            now,
            names,
            descriptions,
            types,
            keys,
            values,
            size.into(),
            offset(page.offset()),
        ];
        Ok(Listing { total, rows: summaries(self.rows("secrets", D::LIST_FILTERED, &params).await?)? })
    }
}

/// Account, region and time: the first parameters of many statements.
pub(super) fn scoped(scope: &Scope, now: Timestamp) -> [Param<'_>; 3] {
    [scope.account.as_str().into(), scope.region.as_str().into(), now.as_millis().into()]
}

fn offset(rows: u64) -> Param<'static> {
    i64::try_from(rows).unwrap_or(i64::MAX).into()
}

/// A JSON array of strings, to pass as one parameter.
pub(super) fn array<'a>(values: Option<impl Iterator<Item = &'a str>>) -> Option<String> {
    values.map(|values| values.collect::<Value>().to_string())
}

pub(super) fn count(rows: Vec<Row>) -> Result<u64, StoreError> {
    rows.into_iter().next().map_or(Ok(0), |mut row| row.count())
}

fn summaries(rows: Vec<Row>) -> Result<Vec<SecretSummary>, StoreError> {
    let summary = |mut row: Row| {
        Ok(SecretSummary {
            name: row.parsed()?,
            secret_type: row.parsed()?,
            created: row.time()?,
            updated: row.time()?,
            planned_deletion: row.optional_time()?,
        })
    };
    rows.into_iter().map(summary).collect()
}

pub(super) fn tag_row(mut row: Row) -> Result<TagRow, StoreError> {
    let name = row.parsed()?;
    let (key, value) = row.tag()?;
    Ok(TagRow { name, key, value })
}
