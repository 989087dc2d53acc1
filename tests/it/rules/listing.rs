//! Section 5: listing.

use serde_json::{Value, json};
use sesame::testing::app::Creation;
use sesame::testing::domain::{Limits, SecretType, Tags};

use crate::support::{NOW, Options, Server, invalid, missing, refusal, scope, text};

/// Creates a secret with more parameters.
async fn create(server: &Server, name: &str, more: &[(&str, &str)]) {
    let data = [("SecretName", name), ("VersionId", "v1"), ("SecretData", "one")];
    server.ok("CreateSecret", &[&data[..], more].concat()).await;
}

/// Names of a listing, joined by spaces, and the total.
async fn list(server: &Server, parameters: &[(&str, &str)]) -> (String, u64) {
    let answer = server.ok("ListSecrets", parameters).await;
    let rows = answer["SecretList"]["Secret"].as_array().unwrap();
    let names: Vec<&str> = rows.iter().map(|row| text(&row["SecretName"])).collect();
    (names.join(" "), answer["TotalCount"].as_u64().unwrap())
}

/// Names that match the filters.
async fn filtered(server: &Server, filters: &Value) -> String {
    list(server, &[("Filters", &filters.to_string())]).await.0
}

#[tokio::test]
async fn rule_5_1_pages_have_numbers_from_1_and_10_rows_by_default() {
    let server = Server::start().await;
    for n in 0..13 {
        server.create(&format!("s{n:02}")).await;
    }
    let answer = server.ok("ListSecrets", &[]).await;
    assert_eq!((&answer["PageNumber"], &answer["PageSize"]), (&json!(1), &json!(10)));
    for (number, size, rows) in [
        ("1", "10", "s00 s01 s02 s03 s04 s05 s06 s07 s08 s09"),
        ("2", "10", "s10 s11 s12"),
        ("3", "10", ""),
        ("4", "4", "s12"),
        ("13", "1", "s12"),
        ("2", "100", ""),
        ("4294967295", "100", ""),
    ] {
        let page = [("PageNumber", number), ("PageSize", size)];
        assert_eq!(list(&server, &page).await, (rows.to_owned(), 13), "{page:?}");
        let answer = server.ok("ListSecrets", &page).await;
        assert_eq!(answer["PageNumber"].to_string(), number);
        assert_eq!(answer["PageSize"].to_string(), size);
    }
    assert_eq!(list(&server, &[("PageSize", "100")]).await.0.split(' ').count(), 13);
    for (name, value) in [
        ("PageNumber", "0"),
        ("PageNumber", "-1"),
        ("PageSize", "0"),
        ("PageSize", "101"),
        ("PageSize", "ten"),
    ] {
        assert_eq!(server.refused("ListSecrets", &[(name, value)]).await, invalid(name), "{value}");
    }
    // Nothing of another region.
    assert_eq!(server.ok_in("cn-beijing", "ListSecrets", &[]).await["TotalCount"], 0);
}

#[tokio::test]
async fn rule_5_2_secrets_in_their_window_are_listed_with_its_end() {
    let server = Server::start().await;
    server.create("dying").await;
    server.create("live").await;
    server.ok("DeleteSecret", &[("SecretName", "dying"), ("RecoveryWindowInDays", "7")]).await;
    let answer = server.ok("ListSecrets", &[]).await;
    let row = |name: &str| {
        json!({
            "SecretName": name,
            "SecretType": "Generic",
            "CreateTime": NOW.to_string(),
            "UpdateTime": NOW.to_string(),
            "OwingService": "",
        })
    };
    let mut dying = row("dying");
    dying["PlannedDeleteTime"] = json!(NOW.plus_days(7).to_string());
    assert_eq!(answer["SecretList"], json!({ "Secret": [dying, row("live")] }));
    assert_eq!(answer["TotalCount"], 2);
}

#[tokio::test]
async fn rule_5_3_tags_come_only_when_fetched() {
    let server = Server::start().await;
    let tags = r#"[{"TagKey":"b","TagValue":"2"},{"TagKey":"a"}]"#;
    create(&server, "tagged", &[("Tags", tags)]).await;
    server.create("untagged").await;
    for (flag, there) in [(None, false), (Some("false"), false), (Some("true"), true), (Some("True"), true)] {
        let asked: Vec<_> = flag.map(|flag| ("FetchTags", flag)).into_iter().collect();
        let answer = server.ok("ListSecrets", &asked).await;
        let rows = &answer["SecretList"]["Secret"];
        if there {
            let tags = json!([{ "TagKey": "a", "TagValue": "" }, { "TagKey": "b", "TagValue": "2" }]);
            assert_eq!(rows[0]["Tags"], json!({ "Tag": tags }));
            assert_eq!(rows[1]["Tags"], json!({ "Tag": [] }));
        } else {
            assert!(rows[0].get("Tags").is_none() && rows[1].get("Tags").is_none(), "{answer}");
        }
    }
    assert_eq!(server.refused("ListSecrets", &[("FetchTags", "1")]).await, invalid("FetchTags"));
}

/// Secrets `a`, `b` and `c` to filter.
async fn three() -> Server {
    let server = Server::start().await;
    let tags = [
        r#"[{"TagKey":"env","TagValue":"prod"},{"TagKey":"team","TagValue":"red"}]"#,
        r#"[{"TagKey":"env","TagValue":"test"}]"#,
        r#"[{"TagKey":"owner","TagValue":"prod"}]"#,
    ];
    for (name, tags) in ["a", "b", "c"].into_iter().zip(tags) {
        create(&server, name, &[("Description", &format!("the {name}")), ("Tags", tags)]).await;
    }
    server
}

#[tokio::test]
async fn rule_5_4_values_of_a_filter_are_or_ed_and_keys_and_ed() {
    let server = three().await;
    for (filters, names) in [
        (json!([]), "a b c"),
        (json!([{ "Key": "SecretName", "Values": ["a", "c", "x"] }]), "a c"),
        (json!([{ "Key": "Description", "Values": ["the b", "the c"] }]), "b c"),
        (json!([{ "Key": "TagKey", "Values": ["env"] }]), "a b"),
        (json!([{ "Key": "TagKey", "Values": ["env", "owner"] }]), "a b c"),
        (json!([{ "Key": "TagValue", "Values": ["prod"] }]), "a c"),
        (json!([{ "Key": "SecretType", "Values": ["Generic"] }]), "a b c"),
        (json!([{ "Key": "SecretType", "Values": ["Rds"] }]), ""),
        (json!([{ "Key": "DKMSInstanceId", "Values": ["kst-x"] }]), ""),
        (json!([{ "Key": "Creator", "Values": ["me"] }]), ""),
        (
            json!([{ "Key": "SecretName", "Values": ["a", "b"] }, { "Key": "TagKey", "Values": ["env"] }, { "Key": "Description", "Values": ["the b"] }]),
            "b",
        ),
        (
            json!([{ "Key": "SecretName", "Values": ["a"] }, { "Key": "Description", "Values": ["the b"] }]),
            "",
        ),
        (json!([{ "Key": "SecretName", "Values": ["a"] }, { "Key": "Creator", "Values": ["me"] }]), ""),
    ] {
        assert_eq!(filtered(&server, &filters).await, names, "{filters}");
    }
    let one_page =
        [("Filters", r#"[{"Key":"TagKey","Values":["env"]}]"#), ("PageSize", "1"), ("PageNumber", "2")];
    assert_eq!(list(&server, &one_page).await, ("b".to_owned(), 2));
}

#[tokio::test]
async fn rule_5_4_there_are_at_most_10_filters_of_10_values() {
    let server = three().await;
    let pair = |values: usize| {
        let values: Vec<String> = (1..values).map(|n| format!("x{n}")).chain(["a".to_owned()]).collect();
        json!({ "Key": "SecretName", "Values": values })
    };
    assert_eq!(filtered(&server, &json!([pair(10)])).await, "a");
    assert_eq!(filtered(&server, &vec![pair(1); 10].into()).await, "a");
    for filters in [json!([pair(11)]), vec![pair(1); 11].into()] {
        let refused = server.refused("ListSecrets", &[("Filters", &filters.to_string())]).await;
        assert_eq!(refused, invalid("Filters"));
    }
}

#[tokio::test]
async fn rule_5_5_filters_match_exactly() {
    let server = three().await;
    create(&server, "test-1", &[("Description", "A 100% sure_thing")]).await;
    for (key, value, names) in [
        ("SecretName", "test-1", "test-1"),
        ("SecretName", "test-*", ""),
        ("SecretName", "test-", ""),
        ("SecretName", "test%", ""),
        ("SecretName", "TEST-1", ""),
        ("SecretName", "", ""),
        ("Description", "A 100% sure_thing", "test-1"),
        ("Description", "A 100%", ""),
        ("Description", "a 100% sure_thing", ""),
        ("Description", "*", ""),
        ("TagKey", "en", ""),
        ("TagKey", "ENV", ""),
        ("TagValue", "pro", ""),
        ("TagValue", "Prod", ""),
    ] {
        let filters = json!([{ "Key": key, "Values": [value] }]);
        assert_eq!(filtered(&server, &filters).await, names, "{filters}");
    }
}

#[tokio::test]
async fn rule_5_6_tag_filters_are_independent_and_types_ignore_case() {
    let server = three().await;
    let pair = |key: &str, value: &str| json!([{ "Key": "TagKey", "Values": [key] }, { "Key": "TagValue", "Values": [value] }]);
    assert_eq!(filtered(&server, &pair("env", "prod")).await, "a");
    // The key of one tag and the value of another.
    assert_eq!(filtered(&server, &pair("env", "red")).await, "a");
    assert_eq!(filtered(&server, &pair("team", "test")).await, "");
    for spelling in ["generic", "GENERIC", "Generic"] {
        let filters = json!([{ "Key": "SecretType", "Values": ["RDS", spelling] }]);
        assert_eq!(filtered(&server, &filters).await, "a b c");
    }
}

#[tokio::test]
async fn rule_5_7_an_unknown_filter_or_bad_json_is_refused() {
    let server = Server::start().await;
    for filters in [
        r#"[{"Key":"Name","Values":["a"]}]"#,
        r#"[{"Key":"secretname","Values":["a"]}]"#,
        r#"[{"Key":"SecretName","Values":["a"]},{"Key":"","Values":["a"]}]"#,
        r#"[{"Key":"SecretName"}]"#,
        r#"[{"Values":["a"]}]"#,
        r#"[{"Key":"SecretName","Values":"a"}]"#,
        r#"[{"Key":"SecretName","Values":[1]}]"#,
        r#"{"Key":"SecretName","Values":["a"]}"#,
        r#"["SecretName"]"#,
        "[{",
    ] {
        let refused = server.refused("ListSecrets", &[("Filters", filters)]).await;
        assert_eq!(refused, invalid("Filters"), "{filters}");
    }
}

#[tokio::test]
async fn rule_5_8_a_filter_by_tag_finds_at_most_4000() {
    let server = Server::start().await;
    let tags: Tags = [("env".parse().unwrap(), "prod".parse().unwrap())].into_iter().collect();
    for n in 0..4010 {
        let generic = Creation::generic(format!("s{n:04}").parse().unwrap(), "v1".parse().unwrap());
        let creation = Creation { tags: tags.clone(), ..generic };
        server.app.create(&scope(), creation, b"one").await.unwrap();
    }
    for (key, value) in [("TagKey", "env"), ("TagValue", "prod")] {
        let filters = json!([{ "Key": key, "Values": [value] }]).to_string();
        for (number, size, count, last) in [
            ("1", "100", 100, "s0099"),
            ("40", "100", 100, "s3999"),
            ("41", "100", 0, ""),
            ("134", "30", 10, "s3999"),
            ("135", "30", 0, ""),
        ] {
            let asked = [("Filters", filters.as_str()), ("PageNumber", number), ("PageSize", size)];
            let (names, total) = list(&server, &asked).await;
            let names: Vec<&str> = names.split_whitespace().collect();
            assert_eq!((names.len(), names.last().copied().unwrap_or_default()), (count, last), "{asked:?}");
            assert_eq!(total, 4000);
        }
    }
    let by_type = json!([{ "Key": "SecretType", "Values": [SecretType::Generic.as_str()] }]).to_string();
    for asked in [&[][..], &[("Filters", by_type.as_str())]] {
        let last = [asked, &[("PageNumber", "401")]].concat();
        let (names, total) = list(&server, &last).await;
        assert_eq!((names.split(' ').count(), total), (10, 4010), "{asked:?}");
    }
}

#[tokio::test]
async fn rule_5_9_versions_are_listed_20_a_page_and_only_labelled_ones() {
    // More versions than the service keeps, to fill a page.
    let limits = Limits { versions_per_secret: 30, ..Limits::default() };
    let server = Server::with(Options { limits, ..Options::default() }).await;
    server.create("s").await;
    for n in 2..=25 {
        server.put("s", &format!("v{n}"), "more").await;
    }
    let deprecated = ("IncludeDeprecated", "True");
    for (more, size, rows, total) in [
        (&[][..], 20, 2, 2),
        (&[("IncludeDeprecated", "false")], 20, 2, 2),
        (&[("PageSize", "1")], 1, 1, 2),
        (&[("PageNumber", "2")], 20, 0, 2),
        (&[deprecated], 20, 20, 25),
        (&[deprecated, ("PageNumber", "2")], 20, 5, 25),
        (&[deprecated, ("PageNumber", "3")], 20, 0, 25),
        (&[deprecated, ("PageSize", "100")], 100, 25, 25),
    ] {
        let asked = [&[("SecretName", "s")], more].concat();
        let answer = server.ok("ListSecretVersionIds", &asked).await;
        assert_eq!(answer["VersionIds"]["VersionId"].as_array().unwrap().len(), rows, "{more:?}");
        assert_eq!((&answer["PageSize"], &answer["TotalCount"]), (&json!(size), &json!(total)), "{more:?}");
    }
    for (name, value) in
        [("PageSize", "0"), ("PageSize", "101"), ("PageNumber", "0"), ("IncludeDeprecated", "yes")]
    {
        let asked = [("SecretName", "s"), (name, value)];
        assert_eq!(server.refused("ListSecretVersionIds", &asked).await, invalid(name), "{value}");
    }
    let answer = server.ok("ListSecretVersionIds", &[("SecretName", "s"), ("PageSize", "1")]).await;
    let row = json!({
        "VersionId": "v25",
        "CreateTime": NOW.to_string(),
        "VersionStages": { "VersionStage": ["ACSCurrent"] },
    });
    assert_eq!((&answer["SecretName"], &answer["PageNumber"]), (&json!("s"), &json!(1)));
    assert_eq!(answer["VersionIds"]["VersionId"], json!([row]));
}

#[tokio::test]
async fn rule_5_10_the_newest_comes_first_then_the_name_decides() {
    let server = Server::start().await;
    for name in ["b", "c", "a"] {
        server.create(name).await;
    }
    server.advance_seconds(1).await;
    for name in ["z", "y"] {
        server.create(name).await;
    }
    // A later change of an old secret does not move it to the front.
    server.put("c", "v2", "two").await;
    assert_eq!(list(&server, &[]).await.0, "y z a b c");
    let filters = json!([{ "Key": "SecretName", "Values": ["a", "b", "c", "z", "y"] }]);
    assert_eq!(filtered(&server, &filters).await, "y z a b c");
    // Versions: in the order in which they were written, even when the clock is stopped or the ids sort differently.
    for version in ["v9", "v10", "a"] {
        server.put("c", version, version).await;
    }
    assert_eq!(server.versions("c").await, "a[ACSCurrent] v10[ACSPrevious] v9[] v2[] v1[]");
}

/// One page of ListTagResources: names with the number of their tags, and the next token.
async fn tag_page(server: &Server, more: &[(&str, &str)]) -> (String, String) {
    let asked = [&[("RegionId", "cn-hangzhou"), ("ResourceType", "secret")], more].concat();
    let answer = server.ok("ListTagResources", &asked).await;
    let rows = answer["TagResources"]["TagResource"].as_array().unwrap();
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for row in rows {
        assert_eq!(row["ResourceType"], "secret");
        assert_eq!(text(&row["TagKey"]).replace('k', "v"), text(&row["TagValue"]));
        let name = text(&row["ResourceId"]);
        match counts.last_mut() {
            Some((last, count)) if *last == name => *count += 1,
            _ => counts.push((name, 1)),
        }
    }
    let counts: Vec<String> = counts.iter().map(|(name, count)| format!("{name}:{count}")).collect();
    (counts.join(" "), text(&answer["NextToken"]).to_owned())
}

/// A server with 207 tags: `k:01` to `k:07` on `a`, `k:01` to `k:20` on `b` to `k`; `z` has none.
async fn many_tags() -> Server {
    let server = Server::start().await;
    let tags = |count: usize| {
        let tags =
            (1..=count).map(|n| json!({ "TagKey": format!("k:{n:02}"), "TagValue": format!("v:{n:02}") }));
        tags.collect::<Value>().to_string()
    };
    for name in ["k", "j", "i", "h", "g", "f", "e", "d", "c", "b"] {
        create(&server, name, &[("Tags", &tags(20))]).await;
    }
    create(&server, "a", &[("Tags", &tags(7))]).await;
    server.create("z").await;
    server
}

const TEN: [(&str, &str); 10] = [
    ("ResourceId.1", "k"),
    ("ResourceId.2", "j"),
    ("ResourceId.3", "i"),
    ("ResourceId.4", "h"),
    ("ResourceId.5", "g"),
    ("ResourceId.6", "f"),
    ("ResourceId.7", "e"),
    ("ResourceId.8", "d"),
    ("ResourceId.9", "c"),
    ("ResourceId.10", "b"),
];

#[tokio::test]
async fn rule_5_11_tags_come_200_a_page_with_a_token() {
    let server = many_tags().await;
    let full = "a:7 b:20 c:20 d:20 e:20 f:20 g:20 h:20 i:20 j:20 k:13";
    let eleven = [&TEN[..], &[("ResourceId.11", "a")]].concat();
    for asked in
        [&[][..], &[("Tag.1.Key", "k:07")], &[("Tag.1.Key", "k:07"), ("Tag.1.Value", "v:07")], &eleven]
    {
        let (first, token) = tag_page(&server, asked).await;
        assert_eq!(first, full, "{asked:?}");
        assert!(!token.is_empty());
        let next = [asked, &[("NextToken", token.as_str())]].concat();
        assert_eq!(tag_page(&server, &next).await, ("k:7".to_owned(), String::new()), "{asked:?}");
    }
    // A full last page is the last page.
    let (rows, token) = tag_page(&server, &TEN).await;
    assert_eq!((rows.as_str(), token.as_str()), ("b:20 c:20 d:20 e:20 f:20 g:20 h:20 i:20 j:20 k:20", ""));
    assert_eq!(tag_page(&server, &[("Tag.1.Key", "k:20"), ("NextToken", "")]).await, (rows, token));
}

#[tokio::test]
async fn rule_5_11_tags_are_filtered_by_resource_and_by_tag() {
    let server = many_tags().await;
    let untag = [("SecretName", "b"), ("TagKeys", r#"["k:01"]"#)];
    server.ok("UntagResource", &untag).await;
    let named = |id: &'static str| ("ResourceId.1", id);
    let arn = "acs:kms:cn-hangzhou:1000000000000001:secret/a";
    for (asked, rows) in [
        (&[named("a")][..], "a:7"),
        (&[named("z")], ""),
        (&[named(arn)], "a:7"),
        (&[named("b"), ("ResourceId.2", "a")], "a:7 b:19"),
        (&[named("a"), ("ResourceId.2", "a")], "a:7"),
        (&[named("a"), ("ResourceId.2", arn)], "a:7"),
        (&[named("a"), ("Tag.1.Key", "k:07")], "a:7"),
        (&[named("a"), ("Tag.1.Key", "k:08")], ""),
        (&[named("a"), ("ResourceId.2", "b"), ("Tag.1.Key", "k:01")], "a:7"),
        (&[named("a"), ("Tag.1.Key", "k:07"), ("Tag.1.Value", "v:06")], ""),
        (&[named("a"), ("Tag.1.Key", "k:07"), ("Tag.2.Key", "k:08")], ""),
        (&[("Tag.1.Key", "none")], ""),
        (&[("Tag.1.Key", "k:07"), ("Tag.1.Value", "none")], ""),
        (&[("ResourceType", "key")], ""),
    ] {
        let wanted = (rows.to_owned(), String::new());
        if asked[0].0 == "ResourceType" {
            let answer =
                server.ok("ListTagResources", &[&[("RegionId", "cn-hangzhou")], asked].concat()).await;
            assert_eq!(answer["TagResources"], json!({ "TagResource": [] }));
        } else {
            assert_eq!(tag_page(&server, asked).await, wanted, "{asked:?}");
        }
    }
}

#[tokio::test]
async fn rule_5_11_what_cannot_be_listed_is_refused() {
    let server = many_tags().await;
    let (region, kind) = (("RegionId", "cn-hangzhou"), ("ResourceType", "secret"));
    let unknown = refusal(404, "InvalidResourceId.NotFound", "The specified ResourceId is not found.");
    let twice = refusal(400, "Duplicate.TagKey", "The specified tagKey is duplicate.");
    for (asked, refused) in [
        (&[kind][..], missing("RegionId")),
        (&[region], missing("ResourceType")),
        (&[region, ("ResourceType", "alias")], invalid("ResourceType")),
        (&[region, kind, ("NextToken", "xyz")], invalid("NextToken")),
        (&[region, kind, ("ResourceId.1", "none")], unknown.clone()),
        (&[region, kind, ("ResourceId.1", "a"), ("ResourceId.2", "none")], unknown.clone()),
        (&[region, ("ResourceType", "key"), ("ResourceId.1", "key-x")], unknown),
        (&[region, kind, ("Tag.1.Key", "k:01"), ("Tag.2.Key", "k:01")], twice),
    ] {
        assert_eq!(server.refused("ListTagResources", asked).await, refused, "{asked:?}");
    }
}
