//! Comparison of secret bytes.

use subtle::ConstantTimeEq;

/// Whether two byte strings are equal. The time taken depends only on their lengths.
pub fn same_bytes(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lengths_count() {
        assert!(same_bytes(b"", b""));
        assert!(!same_bytes(b"a", b""));
        assert!(!same_bytes(b"a", b"a\0"));
    }

    proptest! {
        #[test]
        fn agrees_with_equality(
            a in prop::collection::vec(0u8..3, 0..4),
            b in prop::collection::vec(0u8..3, 0..4),
        ) {
            prop_assert_eq!(same_bytes(&a, &b), a == b);
        }
    }
}
