//! The operators of `Condition`.
//!
//! Five families are documented: strings, numbers, dates, booleans and addresses. The prefixes `ForAnyValue:` and
//! `ForAllValues:`, the suffix `IfExists` and the meaning of an absent key are not documented; here they mean what they
//! mean in AWS IAM, whose policy language RAM's resembles. `Null` is refused.

use core::net::IpAddr;

use super::context::{ConditionContext, ContextValue, Key};
use super::pattern::Pattern;
use super::principal::Principal;

/// One key under one operator. A statement applies only if all of its conditions are met.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    /// The operator as the policy writes it, prefix included.
    pub(super) operator: String,
    /// The key as the policy writes it.
    pub(super) name: String,
    key: Key,
    set: Set,
    negated: bool,
    /// `...IfExists`: also met when the request does not have the key.
    if_exists: bool,
    test: Test,
}

/// How several values of a key are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    /// No prefix: one value must match. For a negated operator no value may match.
    Whole,
    /// `ForAnyValue:`: at least one value meets the condition. Not met for an absent key.
    Any,
    /// `ForAllValues:`: every value meets the condition. Met for an absent key.
    All,
}

/// What a value of the request is compared with: it must match one of the policy's values.
#[derive(Debug, Clone)]
enum Test {
    Equal(Vec<String>),
    EqualIgnoreCase(Vec<String>),
    Like(Vec<Pattern>),
    Number(Order, Vec<Decimal>),
    Date(Order, Vec<i64>),
    Bool(Vec<bool>),
    Ip(Vec<Network>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Equal,
    EqualIgnoreCase,
    Like,
    Number(Order),
    Date(Order),
    Bool,
    Ip,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Same,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

/// Name, family, and whether the operator negates its family's comparison.
const OPERATORS: &[(&str, Family, bool)] = &[
    ("StringEquals", Family::Equal, false),
    ("StringNotEquals", Family::Equal, true),
    ("StringEqualsIgnoreCase", Family::EqualIgnoreCase, false),
    ("StringNotEqualsIgnoreCase", Family::EqualIgnoreCase, true),
    ("StringLike", Family::Like, false),
    ("StringNotLike", Family::Like, true),
    ("NumericEquals", Family::Number(Order::Same), false),
    ("NumericNotEquals", Family::Number(Order::Same), true),
    ("NumericLessThan", Family::Number(Order::Less), false),
    ("NumericLessThanEquals", Family::Number(Order::AtMost), false),
    ("NumericGreaterThan", Family::Number(Order::Greater), false),
    ("NumericGreaterThanEquals", Family::Number(Order::AtLeast), false),
    ("DateEquals", Family::Date(Order::Same), false),
    ("DateNotEquals", Family::Date(Order::Same), true),
    ("DateLessThan", Family::Date(Order::Less), false),
    ("DateLessThanEquals", Family::Date(Order::AtMost), false),
    ("DateGreaterThan", Family::Date(Order::Greater), false),
    ("DateGreaterThanEquals", Family::Date(Order::AtLeast), false),
    ("Bool", Family::Bool, false),
    ("IpAddress", Family::Ip, false),
    ("NotIpAddress", Family::Ip, true),
    // Newer documentation lists it without an explanation. An address block here always includes its first and last
    // address.
    ("IpAddressIncludeBorder", Family::Ip, false),
    ("NotIpAddressIncludeBorder", Family::Ip, true),
];

/// An operator's name, parsed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operator {
    set: Set,
    family: Family,
    negated: bool,
    if_exists: bool,
}

impl Operator {
    /// Parses a name such as `StringEquals` or `ForAnyValue:StringLike`. The error says what is wrong with it.
    pub(super) fn read(name: &str) -> Result<Self, &'static str> {
        let (set, base) = match name.split_once(':') {
            None => (Set::Whole, name),
            Some(("ForAnyValue", base)) => (Set::Any, base),
            Some(("ForAllValues", base)) => (Set::All, base),
            Some(_) => return Err("unknown condition operator"),
        };
        if base == "Null" {
            return Err("the condition operator Null is not supported");
        }
        let (base, if_exists) = match base.strip_suffix("IfExists") {
            Some(base) => (base, true),
            None => (base, false),
        };
        let row = OPERATORS.iter().find(|(known, ..)| *known == base);
        let (_, family, negated) = row.ok_or("unknown condition operator")?;
        Ok(Self { set, family: *family, negated: *negated, if_exists })
    }
}

impl Condition {
    /// A condition from its parts. The error is the index of the first value of the wrong type, and what is wrong with it.
    pub(super) fn new(
        operator: &str,
        read: Operator,
        name: &str,
        values: &[&str],
    ) -> Result<Self, (usize, &'static str)> {
        let test = match read.family {
            Family::Equal => Test::Equal(values.iter().map(|v| (*v).to_owned()).collect()),
            Family::EqualIgnoreCase => {
                Test::EqualIgnoreCase(values.iter().map(|v| (*v).to_owned()).collect())
            }
            Family::Like => Test::Like(values.iter().map(|v| Pattern::exact_case(v)).collect()),
            Family::Number(order) => Test::Number(order, all(values, decimal, "not a number")?),
            Family::Date(order) => {
                Test::Date(order, all(values, seconds, "not a time such as 2024-02-21T15:39:26Z")?)
            }
            Family::Bool => Test::Bool(all(values, truth, "neither true nor false")?),
            Family::Ip => Test::Ip(all(values, Network::read, "neither an IP address nor a CIDR block")?),
        };
        let (operator, name) = (operator.to_owned(), name.to_owned());
        let Operator { set, negated, if_exists, .. } = read;
        Ok(Self { key: Key::of(&name), operator, name, set, negated, if_exists, test })
    }

    /// Whether the condition is met. Without the key in the request a plain operator is not met and a negated one is: a
    /// Deny with `NotIpAddress` applies to a request without an address.
    pub(super) fn holds(&self, context: &ConditionContext<'_>, caller: &Principal) -> bool {
        if self.if_exists && context.values(self.key, &self.name, caller).next().is_none() {
            return true;
        }
        let mut values = context.values(self.key, &self.name, caller);
        match self.set {
            Set::Whole => values.any(|value| self.test.fits(&value)) != self.negated,
            Set::Any => values.any(|value| self.test.fits(&value) != self.negated),
            Set::All => values.all(|value| self.test.fits(&value) != self.negated),
        }
    }
}

fn all<T>(
    values: &[&str],
    read: impl Fn(&str) -> Option<T>,
    problem: &'static str,
) -> Result<Vec<T>, (usize, &'static str)> {
    values.iter().enumerate().map(|(i, value)| read(value).ok_or((i, problem))).collect()
}

impl Test {
    /// Whether one value of the request matches. A value of another type, such as text where a number is expected,
    /// never does.
    fn fits(&self, value: &ContextValue<'_>) -> bool {
        match self {
            Self::Equal(wanted) => wanted.iter().any(|w| *w == value.text()),
            Self::EqualIgnoreCase(wanted) => {
                let lower = value.text().to_lowercase();
                wanted.iter().any(|w| w.to_lowercase() == lower)
            }
            Self::Like(wanted) => wanted.iter().any(|w| w.matches(&value.text())),
            Self::Number(order, wanted) => order.fits(decimal(&value.text()), wanted),
            Self::Date(order, wanted) => {
                let found = match value {
                    ContextValue::Time(time) => Some(time.as_millis().div_euclid(1000)),
                    _ => seconds(&value.text()),
                };
                order.fits(found, wanted)
            }
            Self::Bool(wanted) => truth(&value.text()).is_some_and(|found| wanted.contains(&found)),
            Self::Ip(wanted) => {
                let found = match value {
                    ContextValue::Ip(address) => Some(*address),
                    _ => value.text().parse().ok(),
                };
                found.is_some_and(|address| wanted.iter().any(|network| network.holds(address)))
            }
        }
    }
}

impl Order {
    fn fits<T: Ord>(self, found: Option<T>, wanted: &[T]) -> bool {
        let Some(found) = found else { return false };
        wanted.iter().any(|w| match self {
            Self::Same => found == *w,
            Self::Less => found < *w,
            Self::AtMost => found <= *w,
            Self::Greater => found > *w,
            Self::AtLeast => found >= *w,
        })
    }
}

/// A number in millionths.
type Decimal = i128;

/// Parses a decimal number exactly: at most 18 digits before the point and 6 after it.
fn decimal(text: &str) -> Option<Decimal> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let valid = |digits: &str, most: usize| {
        (1..=most).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
    };
    if !valid(whole, 18) || !valid(fraction, 6) {
        return None;
    }
    let millionths: Decimal = format!("{whole}{fraction:0<6}").parse().ok()?;
    Some(if negative { -millionths } else { millionths })
}

/// Parses a time in ISO 8601 with an offset, as whole seconds since 1970.
fn seconds(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(|time| time.as_millisecond().div_euclid(1000))
}

fn truth(text: &str) -> Option<bool> {
    let is = |word: &str| text.eq_ignore_ascii_case(word);
    if is("true") { Some(true) } else { is("false").then_some(false) }
}

/// An address block: an address and the length of its prefix in bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    /// Parses `192.0.2.0/24`, `2001:db8::/32` or a single address. Bits after the prefix are ignored.
    fn read(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            None => (text, None),
            Some((address, bits)) => (address, Some(bits)),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(bits) if !bits.is_empty() && bits.bytes().all(|b| b.is_ascii_digit()) => {
                bits.parse().ok()?
            }
            Some(_) => return None,
        };
        (bits <= most).then_some(Self { address, bits })
    }

    /// Whether `address` is in the block. An IPv4 address in the form `::ffff:a.b.c.d` counts as IPv4.
    fn holds(self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(block), IpAddr::V4(address)) => {
                let differing = block.to_bits() ^ address.to_bits();
                differing.leading_zeros() >= self.bits
            }
            (IpAddr::V6(block), IpAddr::V6(address)) => {
                let differing = block.to_bits() ^ address.to_bits();
                differing.leading_zeros() >= self.bits
            }
            _ => false,
        }
    }
}
