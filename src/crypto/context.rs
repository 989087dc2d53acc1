//! Associated data: binds sealed bytes to the row that they belong to.
//!
//! The encoding is unambiguous: a label comes first and distinguishes the kinds of context, and every field is preceded by
//! its length.

/// Binds the value of one version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValueContext<'a> {
    /// Account that owns the secret.
    pub account: &'a str,
    /// Region the secret is in.
    pub region: &'a str,
    /// Internal id of the secret. A later secret of the same name has another one.
    pub secret_id: &'a str,
    /// Version of the secret.
    pub version_id: &'a str,
    /// Type of the value: `text` or `binary`.
    pub data_type: &'a str,
    /// Data key that seals the value.
    pub data_key_id: &'a str,
}

impl ValueContext<'_> {
    /// The associated data.
    pub fn encode(&self) -> Vec<u8> {
        let Self { account, region, secret_id, version_id, data_type, data_key_id } = self;
        encode(&["sesame/value/1", account, region, secret_id, version_id, data_type, data_key_id], None)
    }
}

/// Binds a wrapped data key to its secret and to the version of the customer master key that wraps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataKeyContext<'a> {
    /// Account that owns the secret.
    pub account: &'a str,
    /// Region the secret is in.
    pub region: &'a str,
    /// Internal id of the secret that the data key belongs to.
    pub secret_id: &'a str,
    /// The data key.
    pub data_key_id: &'a str,
    /// The customer master key.
    pub key_id: &'a str,
    /// Version of the customer master key that wraps the data key.
    pub key_version: u32,
}

impl DataKeyContext<'_> {
    /// The associated data.
    pub fn encode(&self) -> Vec<u8> {
        let Self { account, region, secret_id, data_key_id, key_id, key_version } = self;
        encode(&["sesame/data-key/1", account, region, secret_id, data_key_id, key_id], Some(*key_version))
    }
}

/// Binds the wrapped material of one version of a customer master key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyMaterialContext<'a> {
    /// Account that owns the key.
    pub account: &'a str,
    /// Region the key is in.
    pub region: &'a str,
    /// The customer master key.
    pub key_id: &'a str,
    /// Its version.
    pub key_version: u32,
}

impl KeyMaterialContext<'_> {
    /// The associated data.
    pub fn encode(&self) -> Vec<u8> {
        let Self { account, region, key_id, key_version } = self;
        encode(&["sesame/key-material/1", account, region, key_id], Some(*key_version))
    }
}

/// Binds the users, roles, policies and access keys of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountContext<'a> {
    /// The account.
    pub account: &'a str,
}

impl AccountContext<'_> {
    /// The associated data.
    pub fn encode(&self) -> Vec<u8> {
        encode(&["sesame/account/1", self.account], None)
    }
}

/// Binds temporary credentials, which are stored by the clients that received them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionContext;

impl SessionContext {
    /// The associated data.
    pub fn encode() -> Vec<u8> {
        encode(&["sesame/session/1"], None)
    }
}

/// Binds the marker that detects a wrong root key. A database has one marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarkerContext;

impl MarkerContext {
    /// The associated data.
    pub fn encode() -> Vec<u8> {
        encode(&["sesame/marker/1"], None)
    }
}

/// A label and the fields, each after its length (eight bytes, big-endian), then the number (four bytes, big-endian). The
/// label determines the number of fields and whether a number follows.
fn encode(fields: &[&str], number: Option<u32>) -> Vec<u8> {
    let number = number.map(u32::to_be_bytes);
    let length = fields.iter().map(|field| size_of::<u64>() + field.len()).sum::<usize>();
    let mut bytes = Vec::with_capacity(length + size_of::<u32>());
    for field in fields {
        bytes.extend_from_slice(&(field.len() as u64).to_be_bytes());
        bytes.extend_from_slice(field.as_bytes());
    }
    bytes.extend(number.into_iter().flatten());
    bytes
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn value(fields: &[String; 6]) -> ValueContext<'_> {
        let [account, region, secret_id, version_id, data_type, data_key_id] =
            fields.each_ref().map(String::as_str);
        ValueContext { account, region, secret_id, version_id, data_type, data_key_id }
    }

    fn data_key(fields: &[String; 6], key_version: u32) -> DataKeyContext<'_> {
        let [account, region, secret_id, data_key_id, key_id, _] = fields.each_ref().map(String::as_str);
        DataKeyContext { account, region, secret_id, data_key_id, key_id, key_version }
    }

    fn material(fields: &[String; 6], key_version: u32) -> KeyMaterialContext<'_> {
        let [account, region, key_id, ..] = fields.each_ref().map(String::as_str);
        KeyMaterialContext { account, region, key_id, key_version }
    }

    /// Fields made of few letters, so that equal and shifted fields are common.
    fn fields() -> impl Strategy<Value = [String; 6]> {
        prop::array::uniform6("[ab\u{0}]{0,3}")
    }

    #[test]
    fn the_encoding_stays_as_it_is() {
        // Stored bytes open only while this encoding stays the same.
        let context = KeyMaterialContext { account: "1", region: "cn", key_id: "k", key_version: 258 };
        let expected = [
            &b"\0\0\0\0\0\0\0\x15sesame/key-material/1"[..],
            b"\0\0\0\0\0\0\0\x011\0\0\0\0\0\0\0\x02cn\0\0\0\0\0\0\0\x01k\0\0\x01\x02",
        ];
        assert_eq!(context.encode(), expected.concat());
        assert_eq!(MarkerContext::encode(), b"\0\0\0\0\0\0\0\x0fsesame/marker/1");
        let six = ["a", "b", "c", "d", "e", "f"].map(str::to_owned);
        let field = |text: &str| format!("\0\0\0\0\0\0\0\x01{text}");
        let five: String = ["a", "b", "c", "d", "e"].map(field).concat();
        assert_eq!(
            value(&six).encode(),
            format!("\0\0\0\0\0\0\0\x0esesame/value/1{five}{}", field("f")).as_bytes()
        );
        assert_eq!(
            data_key(&six, 7).encode(),
            format!("\0\0\0\0\0\0\0\x11sesame/data-key/1{five}\0\0\0\x07").as_bytes()
        );
    }

    #[test]
    fn the_four_kinds_differ_even_when_empty() {
        let empty = std::array::from_fn(|_| String::new());
        let all = [
            value(&empty).encode(),
            data_key(&empty, 0).encode(),
            material(&empty, 0).encode(),
            MarkerContext::encode(),
        ];
        assert_eq!(all.into_iter().collect::<HashSet<_>>().len(), 4);
    }

    proptest! {
        #[test]
        fn equal_encodings_mean_equal_contexts(a in fields(), b in fields(), m in 0u32..3, n in 0u32..3) {
            prop_assert_eq!(value(&a).encode() == value(&b).encode(), value(&a) == value(&b));
            let (one, other) = (data_key(&a, m), data_key(&b, n));
            prop_assert_eq!(one.encode() == other.encode(), one == other);
            let (one, other) = (material(&a, m), material(&b, n));
            prop_assert_eq!(one.encode() == other.encode(), one == other);
            prop_assert_ne!(data_key(&a, m).encode(), other.encode());
            prop_assert_ne!(value(&a).encode(), data_key(&b, n).encode());
        }

        #[test]
        fn bytes_shifted_to_a_neighbour_are_noticed(
            original in fields(),
            at in 0usize..5,
            back in any::<bool>(),
            version in any::<u32>(),
        ) {
            // The same characters in the same order, with one of them moved to the neighbouring field.
            let mut shifted = original.clone();
            let (from, to) = if back { (at + 1, at) } else { (at, at + 1) };
            prop_assume!(!shifted[from].is_empty());
            if back {
                let first = shifted[from].remove(0);
                shifted[to].push(first);
            } else {
                let last = shifted[from].pop().unwrap();
                shifted[to].insert(0, last);
            }
            prop_assert_eq!(original.concat(), shifted.concat());
            prop_assert_ne!(value(&original).encode(), value(&shifted).encode());
            prop_assert_ne!(data_key(&original, version).encode(), data_key(&shifted, version).encode());
            if at < 3 {
                prop_assert_ne!(material(&original, version).encode(), material(&shifted, version).encode());
            }
        }
    }
}
