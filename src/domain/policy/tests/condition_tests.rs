//! Conditions as a table: a condition that is met makes an Allow allow and a Deny deny; otherwise both have no effect.
//!
//! Operators: <https://www.alibabacloud.com/help/en/ram/conditional-operator>. Keys:
//! <https://www.alibabacloud.com/help/en/kms/key-management-service/security-and-compliance/condition-key> and
//! <https://www.alibabacloud.com/help/doc-detail/93738.htm>. What an absent key means, and the prefixes, are inferred.

use super::Expected::{Allow, Deny, No};
use super::*;

/// Name, condition, properties of the request, whether it is met. Properties are `key=value` separated by spaces; those
/// of a service may be repeated.
type Row = (&'static str, &'static str, &'static str, bool);

fn run(rows: &[Row]) {
    for (name, condition, values, holds) in rows {
        let values: Vec<(&str, &str)> =
            values.split_whitespace().map(|value| value.split_once('=').unwrap()).collect();
        let mut context = context(&values);
        for (key, value) in &values {
            match *key {
                "acs:SourceIp" => context.source_ip = Some(value.parse().unwrap()),
                "acs:CurrentTime" => {
                    let time: jiff::Timestamp = value.parse().unwrap();
                    context.current_time = Timestamp::from_millis(time.as_millisecond());
                }
                "acs:SecureTransport" => context.secure_transport = *value == "true",
                "acs:SourceVpc" => context.source_vpc = Some(value),
                "acs:MFAPresent" => context.mfa_present = Some(*value == "true"),
                _ => {}
            }
        }
        let (caller, owner) = (principal("ann"), account("1111"));
        let request = AccessRequest {
            action: "kms:Decrypt",
            resource: "*",
            owner: &owner,
            principal: &caller,
            context: &context,
        };
        let allow = identity(&format!("Allow kms:* on * if {condition}"));
        let policies = Policies { identity: &allow, session: None, resource: None };
        let expected = if *holds { Allow } else { No(MissingAllow::Both) };
        assert_eq!(outcome(&policies, &request), format!("{expected:?}"), "{name}, allowing");
        let deny = identity(&format!("Allow kms:* on * ; Deny kms:* on * if {condition}"));
        let policies = Policies { identity: &deny, session: None, resource: None };
        let expected = if *holds { Deny("p0[1]") } else { Allow };
        assert_eq!(outcome(&policies, &request), format!("{expected:?}"), "{name}, denying");
    }
}

#[rustfmt::skip]
#[test]
fn rule_10_9_operators_of_texts() {
    run(&[
        ("equal", r#"{"StringEquals":{"kms:tag/team":"a"}}"#, "kms:tag/team=a", true),
        ("not equal", r#"{"StringEquals":{"kms:tag/team":"a"}}"#, "kms:tag/team=b", false),
        ("case counts", r#"{"StringEquals":{"kms:tag/team":"a"}}"#, "kms:tag/team=A", false),
        ("no wildcards in equality", r#"{"StringEquals":{"kms:tag/team":"a*"}}"#, "kms:tag/team=ab", false),
        ("one of several", r#"{"StringEquals":{"kms:tag/team":["a","b"]}}"#, "kms:tag/team=b", true),
        ("none of several", r#"{"StringEquals":{"kms:tag/team":["a","b"]}}"#, "kms:tag/team=c", false),
        ("differs", r#"{"StringNotEquals":{"kms:tag/team":"a"}}"#, "kms:tag/team=b", true),
        ("differs not", r#"{"StringNotEquals":{"kms:tag/team":"a"}}"#, "kms:tag/team=a", false),
        ("differs by case", r#"{"StringNotEquals":{"kms:tag/team":"a"}}"#, "kms:tag/team=A", true),
        ("differs from all", r#"{"StringNotEquals":{"kms:tag/team":["a","b"]}}"#, "kms:tag/team=c", true),
        ("differs from one only", r#"{"StringNotEquals":{"kms:tag/team":["a","b"]}}"#, "kms:tag/team=b", false),
        ("equal but for case", r#"{"StringEqualsIgnoreCase":{"kms:tag/team":"Ab"}}"#, "kms:tag/team=aB", true),
        ("unequal beyond case", r#"{"StringEqualsIgnoreCase":{"kms:tag/team":"Ab"}}"#, "kms:tag/team=ac", false),
        ("case beyond ASCII", r#"{"StringEqualsIgnoreCase":{"kms:tag/team":"É"}}"#, "kms:tag/team=é", true),
        ("differs beyond case", r#"{"StringNotEqualsIgnoreCase":{"kms:tag/team":"Ab"}}"#, "kms:tag/team=ac", true),
        ("differs by case only", r#"{"StringNotEqualsIgnoreCase":{"kms:tag/team":"Ab"}}"#, "kms:tag/team=aB", false),
        ("like", r#"{"StringLike":{"kms:tag/team":"a*"}}"#, "kms:tag/team=abc", true),
        ("like nothing more", r#"{"StringLike":{"kms:tag/team":"a*"}}"#, "kms:tag/team=a", true),
        ("like one character", r#"{"StringLike":{"kms:tag/team":"a?c"}}"#, "kms:tag/team=abc", true),
        ("unlike two", r#"{"StringLike":{"kms:tag/team":"a?c"}}"#, "kms:tag/team=abbc", false),
        ("like, case counts", r#"{"StringLike":{"kms:tag/team":"a*"}}"#, "kms:tag/team=Abc", false),
        ("like one of several", r#"{"StringLike":{"kms:tag/team":["x*","*c"]}}"#, "kms:tag/team=abc", true),
        ("one character beyond ASCII", r#"{"StringLike":{"kms:tag/team":"?"}}"#, "kms:tag/team=é", true),
        ("unlike", r#"{"StringNotLike":{"kms:tag/team":"a*"}}"#, "kms:tag/team=b", true),
        ("not unlike", r#"{"StringNotLike":{"kms:tag/team":"a*"}}"#, "kms:tag/team=abc", false),
    ]);
}

#[rustfmt::skip]
#[test]
fn rule_10_9_operators_of_numbers() {
    run(&[
        ("equal", r#"{"NumericEquals":{"kms:Days":"10"}}"#, "kms:Days=10", true),
        ("equal by value", r#"{"NumericEquals":{"kms:Days":"10.0"}}"#, "kms:Days=10", true),
        ("equal with zeros", r#"{"NumericEquals":{"kms:Days":"007"}}"#, "kms:Days=7", true),
        ("not equal", r#"{"NumericEquals":{"kms:Days":"10"}}"#, "kms:Days=11", false),
        ("one of several", r#"{"NumericEquals":{"kms:Days":["7","30"]}}"#, "kms:Days=30", true),
        ("negative", r#"{"NumericEquals":{"kms:Days":"-1"}}"#, "kms:Days=-1", true),
        ("large numbers are exact", r#"{"NumericEquals":{"kms:Days":"9007199254740993"}}"#, "kms:Days=9007199254740992", false),
        ("differs", r#"{"NumericNotEquals":{"kms:Days":"10"}}"#, "kms:Days=11", true),
        ("differs not", r#"{"NumericNotEquals":{"kms:Days":"10"}}"#, "kms:Days=10.000", false),
        ("less", r#"{"NumericLessThan":{"kms:Days":"10"}}"#, "kms:Days=9", true),
        ("not less", r#"{"NumericLessThan":{"kms:Days":"10"}}"#, "kms:Days=10", false),
        ("less by number, not by text", r#"{"NumericLessThan":{"kms:Days":"10"}}"#, "kms:Days=9.5", true),
        ("at most", r#"{"NumericLessThanEquals":{"kms:Days":"10"}}"#, "kms:Days=10", true),
        ("more than at most", r#"{"NumericLessThanEquals":{"kms:Days":"10"}}"#, "kms:Days=10.5", false),
        ("greater", r#"{"NumericGreaterThan":{"kms:Days":"10"}}"#, "kms:Days=11", true),
        ("not greater", r#"{"NumericGreaterThan":{"kms:Days":"10"}}"#, "kms:Days=10", false),
        ("at least", r#"{"NumericGreaterThanEquals":{"kms:Days":"10"}}"#, "kms:Days=10", true),
        ("less than at least", r#"{"NumericGreaterThanEquals":{"kms:Days":"10"}}"#, "kms:Days=9", false),
        ("no number in the request", r#"{"NumericLessThan":{"kms:Days":"10"}}"#, "kms:Days=few", false),
    ]);
}

#[rustfmt::skip]
#[test]
fn rule_10_9_operators_of_times() {
    let noon = "acs:CurrentTime=2024-02-21T12:00:00Z";
    run(&[
        ("equal", r#"{"DateEquals":{"acs:CurrentTime":"2024-02-21T12:00:00Z"}}"#, noon, true),
        ("equal in another zone", r#"{"DateEquals":{"acs:CurrentTime":"2024-02-21T20:00:00+08:00"}}"#, noon, true),
        ("not equal", r#"{"DateEquals":{"acs:CurrentTime":"2024-02-21T12:00:01Z"}}"#, noon, false),
        ("parts of seconds do not count", r#"{"DateEquals":{"acs:CurrentTime":"2024-02-21T12:00:00Z"}}"#, "acs:CurrentTime=2024-02-21T12:00:00.9Z", true),
        ("differs", r#"{"DateNotEquals":{"acs:CurrentTime":"2024-02-21T12:00:01Z"}}"#, noon, true),
        ("differs not", r#"{"DateNotEquals":{"acs:CurrentTime":"2024-02-21T12:00:00Z"}}"#, noon, false),
        ("before", r#"{"DateLessThan":{"acs:CurrentTime":"2024-02-21T20:00:01+08:00"}}"#, noon, true),
        ("not before itself", r#"{"DateLessThan":{"acs:CurrentTime":"2024-02-21T12:00:00Z"}}"#, noon, false),
        ("until", r#"{"DateLessThanEquals":{"acs:CurrentTime":"2024-02-21T12:00:00Z"}}"#, noon, true),
        ("until earlier", r#"{"DateLessThanEquals":{"acs:CurrentTime":"2024-02-21T11:59:59Z"}}"#, noon, false),
        ("after", r#"{"DateGreaterThan":{"acs:CurrentTime":"2024-02-21T11:59:59Z"}}"#, noon, true),
        ("not after itself", r#"{"DateGreaterThan":{"acs:CurrentTime":"2024-02-21T12:00:00Z"}}"#, noon, false),
        ("from", r#"{"DateGreaterThanEquals":{"acs:CurrentTime":"2024-02-21T12:00:00Z"}}"#, noon, true),
        ("from later", r#"{"DateGreaterThanEquals":{"acs:CurrentTime":"2024-02-21T12:00:01Z"}}"#, noon, false),
        ("a time span", r#"{"DateGreaterThan":{"acs:CurrentTime":"2024-01-01T00:00:00Z"},"DateLessThan":{"acs:CurrentTime":"2025-01-01T00:00:00Z"}}"#, noon, true),
        ("a time span that is over", r#"{"DateGreaterThan":{"acs:CurrentTime":"2023-01-01T00:00:00Z"},"DateLessThan":{"acs:CurrentTime":"2024-01-01T00:00:00Z"}}"#, noon, false),
        ("a value of the service", r#"{"DateLessThan":{"kms:Until":"2024-01-01T00:00:00Z"}}"#, "kms:Until=2023-01-01T00:00:00Z", true),
        ("times as strings", r#"{"StringLike":{"acs:CurrentTime":"2024-02-21T*"}}"#, noon, true),
    ]);
}

#[rustfmt::skip]
#[test]
fn rule_10_9_truth_values() {
    run(&[
        ("true", r#"{"Bool":{"acs:SecureTransport":"true"}}"#, "acs:SecureTransport=true", true),
        ("not true", r#"{"Bool":{"acs:SecureTransport":"true"}}"#, "", false),
        ("false", r#"{"Bool":{"acs:SecureTransport":"false"}}"#, "", true),
        ("in an array and another case", r#"{"Bool":{"acs:SecureTransport":["True"]}}"#, "acs:SecureTransport=true", true),
        ("either", r#"{"Bool":{"acs:SecureTransport":["true","false"]}}"#, "", true),
        ("second factor", r#"{"Bool":{"acs:MFAPresent":"true"}}"#, "acs:MFAPresent=true", true),
        ("no second factor", r#"{"Bool":{"acs:MFAPresent":"false"}}"#, "acs:MFAPresent=false", true),
        // Observed: the key is absent for access keys, so neither value matches.
        ("absent is not true", r#"{"Bool":{"acs:MFAPresent":"true"}}"#, "", false),
        ("absent is not false", r#"{"Bool":{"acs:MFAPresent":"false"}}"#, "", false),
        ("of a service", r#"{"Bool":{"kms:Flag":"true"}}"#, "kms:Flag=true", true),
        ("neither", r#"{"Bool":{"kms:Flag":"true"}}"#, "kms:Flag=maybe", false),
    ]);
}

#[rustfmt::skip]
#[test]
fn rule_10_9_addresses() {
    run(&[
        ("the address", r#"{"IpAddress":{"acs:SourceIp":"203.0.113.7"}}"#, "acs:SourceIp=203.0.113.7", true),
        ("another address", r#"{"IpAddress":{"acs:SourceIp":"203.0.113.7"}}"#, "acs:SourceIp=203.0.113.8", false),
        ("in the block", r#"{"IpAddress":{"acs:SourceIp":"192.168.0.0/16"}}"#, "acs:SourceIp=192.168.255.255", true),
        ("its first address", r#"{"IpAddress":{"acs:SourceIp":"192.168.0.0/16"}}"#, "acs:SourceIp=192.168.0.0", true),
        ("outside the block", r#"{"IpAddress":{"acs:SourceIp":"192.168.0.0/16"}}"#, "acs:SourceIp=192.169.0.0", false),
        ("one of several", r#"{"IpAddress":{"acs:SourceIp":["192.168.0.0/16","172.16.215.218"]}}"#, "acs:SourceIp=172.16.215.218", true),
        ("bits behind the prefix", r#"{"IpAddress":{"acs:SourceIp":"203.0.113.99/24"}}"#, "acs:SourceIp=203.0.113.1", true),
        ("everything", r#"{"IpAddress":{"acs:SourceIp":"0.0.0.0/0"}}"#, "acs:SourceIp=8.8.8.8", true),
        ("a block of one", r#"{"IpAddress":{"acs:SourceIp":"203.0.113.7/32"}}"#, "acs:SourceIp=203.0.113.6", false),
        ("a block across bytes", r#"{"IpAddress":{"acs:SourceIp":"10.0.4.0/22"}}"#, "acs:SourceIp=10.0.7.255", true),
        ("beyond a block across bytes", r#"{"IpAddress":{"acs:SourceIp":"10.0.4.0/22"}}"#, "acs:SourceIp=10.0.8.0", false),
        ("the later address", r#"{"IpAddress":{"acs:SourceIp":"2001:db8::1"}}"#, "acs:SourceIp=2001:0db8:0:0:0:0:0:1", true),
        ("in the later block", r#"{"IpAddress":{"acs:SourceIp":"2001:db8::/32"}}"#, "acs:SourceIp=2001:db8:ffff::9", true),
        ("outside the later block", r#"{"IpAddress":{"acs:SourceIp":"2001:db8::/32"}}"#, "acs:SourceIp=2001:db9::9", false),
        ("everything of the later kind", r#"{"IpAddress":{"acs:SourceIp":"::/0"}}"#, "acs:SourceIp=2001:db9::9", true),
        ("kinds do not mix", r#"{"IpAddress":{"acs:SourceIp":"::/0"}}"#, "acs:SourceIp=203.0.113.7", false),
        ("an address written as the later kind", r#"{"IpAddress":{"acs:SourceIp":"203.0.113.0/24"}}"#, "acs:SourceIp=::ffff:203.0.113.7", true),
        ("not this address", r#"{"NotIpAddress":{"acs:SourceIp":"203.0.113.7"}}"#, "acs:SourceIp=203.0.113.8", true),
        ("not in the block", r#"{"NotIpAddress":{"acs:SourceIp":["192.168.0.0/16","10.0.0.0/8"]}}"#, "acs:SourceIp=10.1.1.1", false),
        ("no address known", r#"{"IpAddress":{"acs:SourceIp":"0.0.0.0/0"}}"#, "", false),
        ("no address known, negated", r#"{"NotIpAddress":{"acs:SourceIp":"0.0.0.0/0"}}"#, "", true),
        ("border included", r#"{"IpAddressIncludeBorder":{"acs:SourceIp":"192.168.0.0/24"}}"#, "acs:SourceIp=192.168.0.255", true),
        ("border excepted", r#"{"NotIpAddressIncludeBorder":{"acs:SourceIp":"192.168.0.0/24"}}"#, "acs:SourceIp=192.168.0.255", false),
        ("addresses as strings", r#"{"StringLike":{"acs:SourceIp":"192.168.*"}}"#, "acs:SourceIp=192.168.3.4", true),
    ]);
}

#[rustfmt::skip]
#[test]
fn rule_10_9_condition_keys() {
    run(&[
        ("a network", r#"{"StringEquals":{"acs:SourceVpc":"vpc-1"}}"#, "acs:SourceVpc=vpc-1", true),
        ("another network", r#"{"StringEquals":{"acs:SourceVpc":"vpc-1"}}"#, "acs:SourceVpc=vpc-2", false),
        ("from the internet", r#"{"StringEquals":{"acs:SourceVpc":"vpc-1"}}"#, "", false),
        ("the caller", r#"{"StringEquals":{"acs:PrincipalARN":"acs:ram::1111:user/ann"}}"#, "", true),
        ("the caller by wildcard", r#"{"StringLike":{"acs:PrincipalARN":"acs:ram:*:*:user/a*"}}"#, "", true),
        ("another caller", r#"{"StringLike":{"acs:PrincipalARN":"acs:ram:*:*:role/*"}}"#, "", false),
        ("a key in other case", r#"{"StringLike":{"acs:principalarn":"*ann"}}"#, "", true),
        ("a tag's name in other case", r#"{"StringEquals":{"KMS:Tag/team":"a"}}"#, "kms:tag/team=a", true),
        ("a tag's key in other case", r#"{"StringEquals":{"kms:tag/Team":"a"}}"#, "kms:tag/team=a", false),
        ("another tag", r#"{"StringEquals":{"kms:tag/stage":"a"}}"#, "kms:tag/team=a", false),
        ("a key nobody knows", r#"{"StringEquals":{"oss:Prefix":"a"}}"#, "kms:tag/team=a", false),
        ("a value cannot be passed off as a common key", r#"{"StringEquals":{"acs:SourceVpc":"vpc-1"}}"#, "ACS:SourceVpc=vpc-1", false),
    ]);
}

#[rustfmt::skip]
#[test]
fn rule_10_9_several_conditions_and_absent_keys() {
    run(&[
        ("all keys of an operator", r#"{"StringEquals":{"kms:tag/a":"1","kms:tag/b":"2"}}"#, "kms:tag/a=1 kms:tag/b=2", true),
        ("one key fails", r#"{"StringEquals":{"kms:tag/a":"1","kms:tag/b":"2"}}"#, "kms:tag/a=1 kms:tag/b=3", false),
        ("all operators", r#"{"StringEquals":{"kms:tag/a":"1"},"Bool":{"acs:SecureTransport":"true"}}"#, "kms:tag/a=1 acs:SecureTransport=true", true),
        ("one operator fails", r#"{"StringEquals":{"kms:tag/a":"1"},"Bool":{"acs:SecureTransport":"true"}}"#, "kms:tag/a=1", false),
        ("absent: equal", r#"{"StringEquals":{"kms:tag/a":"1"}}"#, "", false),
        ("absent: differs", r#"{"StringNotEquals":{"kms:tag/a":"1"}}"#, "", true),
        ("absent: equal but for case", r#"{"StringEqualsIgnoreCase":{"kms:tag/a":"1"}}"#, "", false),
        ("absent: like everything", r#"{"StringLike":{"kms:tag/a":"*"}}"#, "", false),
        ("absent: unlike", r#"{"StringNotLike":{"kms:tag/a":"*"}}"#, "", true),
        ("absent: number", r#"{"NumericLessThan":{"kms:Days":"10"}}"#, "", false),
        ("absent: another number", r#"{"NumericNotEquals":{"kms:Days":"10"}}"#, "", true),
        ("absent: time", r#"{"DateLessThan":{"kms:Until":"2030-01-01T00:00:00Z"}}"#, "", false),
        ("absent: another time", r#"{"DateNotEquals":{"kms:Until":"2030-01-01T00:00:00Z"}}"#, "", true),
    ]);
}

#[test]
fn rule_10_9_sets_of_values() {
    let both = "kms:tag/a=1 kms:tag/a=2";
    run(&[
        ("any: one fits", r#"{"ForAnyValue:StringEquals":{"kms:tag/a":"1"}}"#, both, true),
        ("any: none fits", r#"{"ForAnyValue:StringEquals":{"kms:tag/a":"3"}}"#, both, false),
        ("any: absent", r#"{"ForAnyValue:StringEquals":{"kms:tag/a":"1"}}"#, "", false),
        ("any: one differs", r#"{"ForAnyValue:StringNotEquals":{"kms:tag/a":"1"}}"#, both, true),
        ("any: none differs", r#"{"ForAnyValue:StringNotEquals":{"kms:tag/a":["1","2"]}}"#, both, false),
        ("any: absent differs not", r#"{"ForAnyValue:StringNotEquals":{"kms:tag/a":"1"}}"#, "", false),
        ("all: all fit", r#"{"ForAllValues:StringEquals":{"kms:tag/a":["1","2","3"]}}"#, both, true),
        ("all: one does not", r#"{"ForAllValues:StringEquals":{"kms:tag/a":"1"}}"#, both, false),
        ("all: absent", r#"{"ForAllValues:StringEquals":{"kms:tag/a":"1"}}"#, "", true),
        ("all: all differ", r#"{"ForAllValues:StringNotEquals":{"kms:tag/a":"3"}}"#, both, true),
        ("all: one does not differ", r#"{"ForAllValues:StringNotEquals":{"kms:tag/a":"1"}}"#, both, false),
        ("all: like", r#"{"ForAllValues:StringLike":{"kms:tag/a":"?"}}"#, both, true),
        ("all: numbers", r#"{"ForAllValues:NumericLessThan":{"kms:tag/a":"2"}}"#, both, false),
        ("plain: one fits", r#"{"StringEquals":{"kms:tag/a":"2"}}"#, both, true),
        ("plain: one differs", r#"{"StringNotEquals":{"kms:tag/a":"1"}}"#, both, false),
        ("plain: all differ", r#"{"StringNotEquals":{"kms:tag/a":"3"}}"#, both, true),
    ]);
}

#[rustfmt::skip]
#[test]
fn rule_10_9_conditions_on_keys_that_may_be_absent() {
    run(&[
        ("there and equal", r#"{"StringEqualsIfExists":{"kms:tag/team":"a"}}"#, "kms:tag/team=a", true),
        ("there and unequal", r#"{"StringEqualsIfExists":{"kms:tag/team":"a"}}"#, "kms:tag/team=b", false),
        ("absent", r#"{"StringEqualsIfExists":{"kms:tag/team":"a"}}"#, "", true),
        ("another key", r#"{"StringEqualsIfExists":{"kms:tag/team":"a"}}"#, "kms:tag/other=b", true),
        ("negated, there", r#"{"StringNotLikeIfExists":{"kms:tag/team":"a*"}}"#, "kms:tag/team=ab", false),
        ("negated, absent", r#"{"StringNotLikeIfExists":{"kms:tag/team":"a*"}}"#, "", true),
        ("number absent", r#"{"NumericLessThanIfExists":{"kms:Days":"10"}}"#, "", true),
        ("number there", r#"{"NumericLessThanIfExists":{"kms:Days":"10"}}"#, "kms:Days=11", false),
        ("truth absent", r#"{"BoolIfExists":{"acs:MFAPresent":"true"}}"#, "", true),
        ("truth there", r#"{"BoolIfExists":{"acs:MFAPresent":"true"}}"#, "acs:MFAPresent=false", false),
        ("address there", r#"{"IpAddressIfExists":{"acs:SourceIp":"10.0.0.0/8"}}"#, "acs:SourceIp=192.0.2.1", false),
        ("network absent", r#"{"StringEqualsIfExists":{"acs:SourceVpc":"vpc-1"}}"#, "", true),
        ("date always there", r#"{"DateLessThanIfExists":{"acs:CurrentTime":"2000-01-01T00:00:00Z"}}"#, "", false),
        ("any, absent", r#"{"ForAnyValue:StringEqualsIfExists":{"kms:tag/team":"a"}}"#, "", true),
        ("any, there", r#"{"ForAnyValue:StringEqualsIfExists":{"kms:tag/team":"a"}}"#, "kms:tag/team=b", false),
        ("both conditions", r#"{"StringEqualsIfExists":{"kms:tag/team":"a"},"StringEquals":{"kms:tag/env":"x"}}"#, "kms:tag/env=x", true),
    ]);
}
