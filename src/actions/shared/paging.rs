//! PageNumber and PageSize.

use crate::domain::Page;
use crate::wire::{ApiError, Fields};

/// Reads PageNumber (from 1) and PageSize (1 to 100).
pub(in crate::actions) fn page(fields: Fields<'_>, default_size: u32) -> Result<Page, ApiError> {
    Ok(Page {
        number: fields.number("PageNumber", 1..=u32::MAX, 1)?,
        size: fields.number("PageSize", 1..=Page::MAX_SIZE, default_size)?,
    })
}
