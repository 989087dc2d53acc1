//! Documents that are refused: where, and why.

use super::*;

fn refusal(text: &str, kind: PolicyKind) -> String {
    match PolicyDocument::parse(text, kind) {
        Ok(_) => format!("accepted: {text}"),
        Err(error) => error.to_string(),
    }
}

/// A document with one statement that has the members of `parts`.
fn with(parts: &[&str]) -> String {
    format!(r#"{{"Version":"1","Statement":[{{{}}}]}}"#, parts.join(","))
}

const EFFECT: &str = r#""Effect":"Allow""#;
const ACTION: &str = r#""Action":"kms:*""#;
const RESOURCE: &str = r#""Resource":"*""#;
const PRINCIPAL: &str = r#""Principal":{"RAM":"acs:ram::1111:user/ann"}"#;

#[rustfmt::skip]
#[test]
fn documents_that_are_not_policies() {
    let ok = r#"{"Effect":"Allow","Action":"kms:*","Resource":"*"}"#;
    let rows: &[(&str, String, &str)] = &[
        ("nothing", String::new(), "document: not JSON (line 1, column 0)"),
        ("no JSON", "{".to_owned(), "document: not JSON (line 1, column 1)"),
        ("more after it", "{} {}".to_owned(), "document: not JSON (line 1, column 4)"),
        ("an array", "[]".to_owned(), "document: not an object"),
        ("a text", r#""x""#.to_owned(), "document: not an object"),
        ("nested too deeply", "[".repeat(200), "document: not JSON (line 1, column 128)"),
        ("empty", "{}".to_owned(), "Version: missing"),
        ("no version", format!(r#"{{"Statement":[{ok}]}}"#), "Version: missing"),
        ("another version", format!(r#"{{"Version":"2012-10-17","Statement":[{ok}]}}"#), "Version: not \"1\""),
        ("a number as version", format!(r#"{{"Version":1,"Statement":[{ok}]}}"#), "Version: not a string"),
        ("no statement", r#"{"Version":"1"}"#.to_owned(), "Statement: missing"),
        ("empty statement", r#"{"Version":"1","Statement":[]}"#.to_owned(), "Statement: empty"),
        ("text as statement", r#"{"Version":"1","Statement":"x"}"#.to_owned(), "Statement: neither an object nor an array"),
        ("text in statement", r#"{"Version":"1","Statement":["x"]}"#.to_owned(), "Statement[0]: not an object"),
        ("another member", format!(r#"{{"Version":"1","Id":"x","Statement":[{ok}]}}"#), "Id: unknown element"),
        ("members in lower case", r#"{"version":"1"}"#.to_owned(), "version: unknown element"),
        ("twice", format!(r#"{{"Version":"1","Version":"1","Statement":[{ok}]}}"#), "Version: there twice"),
        ("twice below", format!(r#"{{"Version":"1","Statement":[{ok},{{"Effect":"Deny","Effect":"Allow"}}]}}"#), "Statement[1].Effect: there twice"),
    ];
    for (name, text, wanted) in rows {
        assert_eq!(refusal(text, PolicyKind::Identity), *wanted, "{name}");
    }
}

#[rustfmt::skip]
#[test]
fn invalid_statements() {
    let rows: &[(&str, &[&str], &str)] = &[
        ("no effect", &[ACTION, RESOURCE], "Statement[0].Effect: missing"),
        ("another effect", &[r#""Effect":"allow""#, ACTION, RESOURCE], "Statement[0].Effect: neither Allow nor Deny"),
        ("no action", &[EFFECT, RESOURCE], "Statement[0].Action: missing"),
        ("both actions", &[EFFECT, ACTION, r#""NotAction":"kms:*""#, RESOURCE], "Statement[0].NotAction: beside Action"),
        ("no actions", &[EFFECT, r#""Action":[]"#, RESOURCE], "Statement[0].Action: empty"),
        ("an empty action", &[EFFECT, r#""Action":["kms:*",""]"#, RESOURCE], "Statement[0].Action[1]: empty"),
        ("a number as action", &[EFFECT, r#""Action":5"#, RESOURCE], "Statement[0].Action: neither a string nor an array of strings"),
        ("a number among actions", &[EFFECT, r#""Action":[5]"#, RESOURCE], "Statement[0].Action[0]: not a string"),
        ("arrays in arrays", &[EFFECT, r#""Action":[["kms:*"]]"#, RESOURCE], "Statement[0].Action[0]: not a string"),
        ("an action without service", &[EFFECT, r#""Action":"GetSecretValue""#, RESOURCE], "Statement[0].Action: neither * nor <service>:<action>"),
        ("an action of blanks", &[EFFECT, r#""Action":"kms:Get Secret""#, RESOURCE], "Statement[0].Action: neither * nor <service>:<action>"),
        ("no resource", &[EFFECT, ACTION], "Statement[0].Resource: missing"),
        ("both resources", &[EFFECT, ACTION, RESOURCE, r#""NotResource":"*""#], "Statement[0].NotResource: beside Resource"),
        ("no ARN", &[EFFECT, ACTION, r#""Resource":"secret/a""#], "Statement[0].Resource: neither * nor an ARN"),
        ("an ARN of others", &[EFFECT, ACTION, r#""Resource":["*","arn:aws:kms:::x"]"#], "Statement[0].Resource[1]: neither * nor an ARN"),
        ("a principal", &[EFFECT, PRINCIPAL, ACTION, RESOURCE], "Statement[0].Principal: unknown element"),
        ("another member", &[EFFECT, ACTION, RESOURCE, r#""Conditions":{}"#], "Statement[0].Conditions: unknown element"),
        ("an empty Sid", &[r#""Sid":"""#, EFFECT, ACTION, RESOURCE], "Statement[0].Sid: not 1 to 128 characters of A-Z a-z 0-9 space _ / + = . @ -"),
        ("a Sid with signs", &[r#""Sid":"a:b""#, EFFECT, ACTION, RESOURCE], "Statement[0].Sid: not 1 to 128 characters of A-Z a-z 0-9 space _ / + = . @ -"),
        ("a number as Sid", &[r#""Sid":1"#, EFFECT, ACTION, RESOURCE], "Statement[0].Sid: not a string"),
        ("a name that is no good in messages", &["\"a\\nb\\u0000\":1"], "Statement[0].a\u{fffd}b\u{fffd}: unknown element"),
    ];
    for (name, parts, wanted) in rows {
        assert_eq!(refusal(&with(parts), PolicyKind::Identity), *wanted, "{name}");
        assert_eq!(refusal(&with(parts), PolicyKind::Session), *wanted, "{name}, session");
    }
    let long = format!(r#""{}":1"#, "x".repeat(100));
    let wanted = format!("Statement[0].{}…: unknown element", "x".repeat(64));
    assert_eq!(refusal(&with(&[&long]), PolicyKind::Identity), wanted);
}

#[rustfmt::skip]
#[test]
fn rule_10_9_invalid_conditions() {
    let rows: &[(&str, &str, &str)] = &[
        ("a text", r#""x""#, ": not an object"),
        ("empty", "{}", ": empty"),
        ("no such operator", r#"{"StringEqual":{"a:b":"c"}}"#, ".StringEqual: unknown condition operator"),
        ("case of operators counts", r#"{"stringEquals":{"a:b":"c"}}"#, ".stringEquals: unknown condition operator"),
        ("no such prefix", r#"{"ForSome:StringEquals":{"a:b":"c"}}"#, ".ForSome:StringEquals: unknown condition operator"),
        ("two prefixes", r#"{"ForAnyValue:ForAllValues:StringEquals":{"a:b":"c"}}"#, ".ForAnyValue:ForAllValues:StringEquals: unknown condition operator"),
        // Observed: RAM answers that these are not supported.
        ("Null", r#"{"Null":{"a:b":"true"}}"#, ".Null: the condition operator Null is not supported"),
        ("IfExists alone", r#"{"IfExists":{"a:b":"c"}}"#, ".IfExists: unknown condition operator"),
        ("IfExists twice", r#"{"BoolIfExistsIfExists":{"a:b":"true"}}"#, ".BoolIfExistsIfExists: unknown condition operator"),
        ("no keys", r#"{"Bool":{}}"#, ".Bool: empty"),
        ("keys as text", r#"{"Bool":"true"}"#, ".Bool: not an object"),
        ("no service in the key", r#"{"Bool":{"SecureTransport":"true"}}"#, ".Bool.SecureTransport: not a condition key such as acs:SourceIp"),
        ("no values", r#"{"Bool":{"a:b":[]}}"#, ".Bool.a:b: empty"),
        ("a truth value without quotes", r#"{"Bool":{"a:b":true}}"#, ".Bool.a:b: neither a string nor an array of strings"),
        ("no truth value", r#"{"Bool":{"a:b":["true","yes"]}}"#, ".Bool.a:b[1]: neither true nor false"),
        ("no number", r#"{"NumericEquals":{"a:b":"ten"}}"#, ".NumericEquals.a:b: not a number"),
        ("a plus sign", r#"{"NumericEquals":{"a:b":"+1"}}"#, ".NumericEquals.a:b: not a number"),
        ("two signs", r#"{"NumericEquals":{"a:b":"--1"}}"#, ".NumericEquals.a:b: not a number"),
        ("an exponent", r#"{"NumericLessThan":{"a:b":"1e3"}}"#, ".NumericLessThan.a:b: not a number"),
        ("a point without digits", r#"{"NumericGreaterThan":{"a:b":"1."}}"#, ".NumericGreaterThan.a:b: not a number"),
        ("too many digits", r#"{"NumericEquals":{"a:b":"1234567890123456789"}}"#, ".NumericEquals.a:b: not a number"),
        ("no time", r#"{"DateEquals":{"a:b":"tomorrow"}}"#, ".DateEquals.a:b: not a time such as 2024-02-21T15:39:26Z"),
        ("a time without zone", r#"{"DateLessThan":{"a:b":"2024-02-21T15:39:26"}}"#, ".DateLessThan.a:b: not a time such as 2024-02-21T15:39:26Z"),
        ("a day", r#"{"DateGreaterThan":{"a:b":"2024-02-21"}}"#, ".DateGreaterThan.a:b: not a time such as 2024-02-21T15:39:26Z"),
        ("no such day", r#"{"DateEquals":{"a:b":"2024-02-30T00:00:00Z"}}"#, ".DateEquals.a:b: not a time such as 2024-02-21T15:39:26Z"),
        ("no address", r#"{"IpAddress":{"a:b":"localhost"}}"#, ".IpAddress.a:b: neither an IP address nor a CIDR block"),
        ("too many bits", r#"{"NotIpAddress":{"a:b":["::1","10.0.0.0/33"]}}"#, ".NotIpAddress.a:b[1]: neither an IP address nor a CIDR block"),
        ("signed bits", r#"{"IpAddress":{"a:b":"10.0.0.0/+8"}}"#, ".IpAddress.a:b: neither an IP address nor a CIDR block"),
        ("a key twice", r#"{"Bool":{"a:b":"true","a:b":"false"}}"#, ".Bool.a:b: there twice"),
        ("an operator twice", r#"{"Bool":{"a:b":"true"},"Bool":{"a:b":"true"}}"#, ".Bool: there twice"),
    ];
    for (name, condition, wanted) in rows {
        let condition = format!(r#""Condition":{condition}"#);
        let text = with(&[EFFECT, ACTION, RESOURCE, &condition]);
        assert_eq!(refusal(&text, PolicyKind::Identity), format!("Statement[0].Condition{wanted}"), "{name}");
    }
}

#[rustfmt::skip]
#[test]
fn rule_10_1_shape_of_the_policy_of_a_secret() {
    let forms = "not acs:ram::<account>:*, acs:ram::<account>:user/<name> or acs:ram::<account>:role/<name>";
    let principal = |text: &str| format!(r#""Principal":{text}"#);
    let rows: &[(&str, &[&str], &str)] = &[
        ("no principal", &[EFFECT, ACTION, RESOURCE], ".Principal: missing"),
        ("a text as principal", &[EFFECT, &principal(r#""*""#), ACTION, RESOURCE], ".Principal: not an object"),
        ("an empty principal", &[EFFECT, &principal("{}"), ACTION, RESOURCE], ".Principal: empty"),
        ("no principals", &[EFFECT, &principal(r#"{"RAM":[]}"#), ACTION, RESOURCE], ".Principal.RAM: empty"),
        ("everybody", &[EFFECT, &principal(r#"{"RAM":"*"}"#), ACTION, RESOURCE], &format!(".Principal.RAM: {forms}")),
        ("a service", &[EFFECT, &principal(r#"{"Service":"ecs.aliyuncs.com"}"#), ACTION, RESOURCE], ".Principal.Service: unknown element"),
        ("root", &[EFFECT, &principal(r#"{"RAM":["acs:ram::1111:root"]}"#), ACTION, RESOURCE], &format!(".Principal.RAM[0]: {forms}")),
        ("no account", &[EFFECT, &principal(r#"{"RAM":"acs:ram::*:user/ann"}"#), ACTION, RESOURCE], &format!(".Principal.RAM: {forms}")),
        ("all users", &[EFFECT, &principal(r#"{"RAM":"acs:ram::1111:user/*"}"#), ACTION, RESOURCE], &format!(".Principal.RAM: {forms}")),
        ("a user without name", &[EFFECT, &principal(r#"{"RAM":"acs:ram::1111:user/"}"#), ACTION, RESOURCE], &format!(".Principal.RAM: {forms}")),
        ("a session", &[EFFECT, &principal(r#"{"RAM":"acs:ram::1111:assumed-role/r/s"}"#), ACTION, RESOURCE], &format!(".Principal.RAM: {forms}")),
        ("a group", &[EFFECT, &principal(r#"{"RAM":"acs:ram::1111:group/g"}"#), ACTION, RESOURCE], &format!(".Principal.RAM: {forms}")),
        ("NotPrincipal", &[EFFECT, r#""NotPrincipal":{}"#, ACTION, RESOURCE], ".NotPrincipal: unknown element"),
        ("every action", &[EFFECT, PRINCIPAL, r#""Action":"*""#, RESOURCE], ".Action: does not begin with kms:"),
        ("another service", &[EFFECT, PRINCIPAL, r#""Action":["kms:*","oss:*"]"#, RESOURCE], ".Action[1]: does not begin with kms:"),
        ("NotAction", &[EFFECT, PRINCIPAL, r#""NotAction":"kms:*""#, RESOURCE], ".NotAction: unknown element"),
        ("a resource", &[EFFECT, PRINCIPAL, ACTION, r#""Resource":["*","acs:kms:*:*:secret/a"]"#], ".Resource[1]: not *"),
        ("no resource", &[EFFECT, PRINCIPAL, ACTION], ".Resource: missing"),
        ("NotResource", &[EFFECT, PRINCIPAL, ACTION, r#""NotResource":"*""#], ".NotResource: unknown element"),
    ];
    for (name, parts, wanted) in rows {
        assert_eq!(refusal(&with(parts), resource_kind()), format!("Statement[0]{wanted}"), "{name}");
    }
}

#[rustfmt::skip]
#[test]
fn shape_of_trust_policies() {
    let action = r#""Action":"sts:AssumeRole""#;
    let forms =
        "not acs:ram::<account>:root, acs:ram::<account>:user/<name> or acs:ram::<account>:role/<name>";
    let rows: &[(&str, &str, &str, &str)] = &[
        ("the whole, as in secret policies", r#"{"RAM":"acs:ram::1111:*"}"#, action, &format!(".Principal.RAM: {forms}")),
        ("no service", r#"{"Service":["ecs.aliyuncs.com","ec2.amazonaws.com"]}"#, action, ".Principal.Service[1]: not the name of a service such as ecs.aliyuncs.com"),
        ("no provider", r#"{"Federated":"acs:ram::1111:user/ann"}"#, action, ".Principal.Federated: not the ARN of an identity provider"),
        ("another type", r#"{"AWS":"x"}"#, action, ".Principal.AWS: unknown element"),
        ("another service's action", r#"{"RAM":"acs:ram::1111:root"}"#, ACTION, ".Action: does not begin with sts:"),
    ];
    for (name, principal, action, wanted) in rows {
        let text = with(&[EFFECT, &format!(r#""Principal":{principal}"#), action]);
        assert_eq!(refusal(&text, PolicyKind::Trust), format!("Statement[0]{wanted}"), "{name}");
    }
    let with_resource = with(&[EFFECT, r#""Principal":{"RAM":"acs:ram::1111:root"}"#, action, RESOURCE]);
    assert_eq!(refusal(&with_resource, PolicyKind::Trust), "Statement[0].Resource: unknown element");
    for principal in [
        r#"{"Service":"ecs.aliyuncs.com"}"#,
        r#"{"Federated":["acs:ram::1111:saml-provider/p","acs:ram::1111:oidc-provider/p"]}"#,
        r#"{"RAM":["acs:ram::1111:root","acs:ram::2222:role/r"],"Service":["1111@fc.aliyuncs.com"]}"#,
    ] {
        let text = with(&[EFFECT, &format!(r#""Principal":{principal}"#), action]);
        assert!(PolicyDocument::parse(&text, PolicyKind::Trust).is_ok(), "{text}");
    }
}

#[test]
fn a_sid_is_used_once() {
    let statement = r#"{"Sid":"a b","Effect":"Allow","Action":"kms:*","Resource":"*"}"#;
    let other = statement.replace("a b", "A B");
    let text = format!(r#"{{"Version":"1","Statement":[{statement},{other}]}}"#);
    assert!(PolicyDocument::parse(&text, PolicyKind::Identity).is_ok());
    let text = format!(r#"{{"Version":"1","Statement":[{statement},{other},{statement}]}}"#);
    assert_eq!(refusal(&text, PolicyKind::Identity), "Statement[2].Sid: used by an earlier statement");
}

#[test]
fn rule_10_1_sizes_are_bounded() {
    let plain = |principal: &str, length: usize| {
        let text = with(&[EFFECT, principal, r#""Action":"kms:*""#, RESOURCE]).replace(",,", ",");
        format!("{text}{}", " ".repeat(length - text.len()))
    };
    let rows = [
        (PolicyKind::Identity, "", 6144, "document: longer than 6144 characters"),
        (PolicyKind::Session, "", 2048, "document: longer than 2048 characters"),
        (resource_kind(), PRINCIPAL, 32_768, "document: longer than 32768 bytes"),
    ];
    for (kind, principal, most, wanted) in rows {
        assert!(PolicyDocument::parse(&plain(principal, most), kind.clone()).is_ok(), "{wanted}");
        assert_eq!(refusal(&plain(principal, most + 1), kind), wanted);
    }
}

#[rustfmt::skip]
#[test]
fn strings_and_arrays_of_one_are_the_same() {
    for text in [
        r#"{"Version":"1","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}"#,
        r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":["kms:*"],"Resource":["*"]}]}"#,
        r#"{"Statement":[{"Resource":["*"],"Action":"kms:*","Effect":"Allow","Condition":{"Bool":{"acs:SecureTransport":["true"]}}}],"Version":"1"}"#,
    ] {
        assert!(PolicyDocument::parse(text, PolicyKind::Identity).is_ok(), "{text}");
        assert!(PolicyDocument::parse(text, PolicyKind::Session).is_ok(), "{text}");
    }
}
