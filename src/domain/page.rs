//! Pages with numbers, as in the API.

/// A page: number from 1, size from 1 to 100 (rules 5.1, 5.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// From 1.
    pub number: u32,
    /// Items per page, 1 to 100.
    pub size: u32,
}

impl Page {
    /// The largest page size.
    pub const MAX_SIZE: u32 = 100;
    /// The page size of most lists when the request names none.
    pub const DEFAULT_SIZE: u32 = 10;
    /// The page size of the list of a secret's versions when the request names none (rule 5.9).
    pub const DEFAULT_VERSIONS: u32 = 20;

    /// How many items come before this page.
    pub fn offset(self) -> u64 {
        u64::from(self.number.saturating_sub(1)) * u64::from(self.size)
    }

    /// The items of this page. Empty beyond the last page.
    pub fn cut<T>(self, all: Vec<T>) -> Vec<T> {
        let skip = usize::try_from(self.offset()).unwrap_or(usize::MAX);
        all.into_iter().skip(skip).take(usize::try_from(self.size).unwrap_or(usize::MAX)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_cuts_its_rows_and_is_empty_beyond_the_end() {
        let all = || (1..=5).collect::<Vec<_>>();
        assert_eq!(Page { number: 1, size: 2 }.cut(all()), [1, 2]);
        assert_eq!(Page { number: 3, size: 2 }.cut(all()), [5]);
        assert!(Page { number: 4, size: 2 }.cut(all()).is_empty());
        assert!(Page { number: u32::MAX, size: 100 }.cut(all()).is_empty());
    }
}
