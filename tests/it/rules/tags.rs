//! Section 11: tags.

use serde_json::json;

use super::refuses;
use crate::support::{Options, Server, invalid, missing, not_found, refusal, text};

type Pairs<'a> = &'a [(&'a str, &'a str)];

/// Region and type of the new style.
const SECRETS: [(&str, &str); 2] = [("RegionId", "cn-hangzhou"), ("ResourceType", "secret")];

/// What the new style answers when a resource does not exist.
fn no_such_resource() -> (u16, String, String) {
    refusal(404, "InvalidResourceId.NotFound", "The specified ResourceId is not found.")
}

/// The message about one tag too many.
fn too_many() -> (u16, String, String) {
    refusal(400, "Rejected.LimitExceeded", "exceed secret limits error")
}

/// A flattened list: `prefix` with `#` replaced by 1, 2, … for each value.
fn flattened(prefix: &str, values: &[String]) -> Vec<(String, String)> {
    values.iter().enumerate().map(|(n, v)| (prefix.replace('#', &(n + 1).to_string()), v.clone())).collect()
}

/// Borrows owned parameters, after those of the new style and one named secret.
fn on<'a>(secret: &'a str, more: &'a [(String, String)]) -> Vec<(&'a str, &'a str)> {
    let more = more.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    SECRETS.into_iter().chain([("ResourceId.1", secret)]).chain(more).collect()
}

/// `count` different keys.
fn keys(prefix: &str, count: usize) -> Vec<String> {
    (1..=count).map(|n| format!("{prefix}{n}")).collect()
}

/// Tags of the old style, all with the value `v`.
fn old_style(keys: &[String]) -> String {
    let tags: Vec<_> = keys.iter().map(|key| json!({"TagKey": key, "TagValue": "v"})).collect();
    json!(tags).to_string()
}

/// The tags of a secret as `k=v`, ascending by key: as both styles of reading and the database have them.
async fn tags(server: &Server, name: &str) -> Vec<String> {
    let tag = |tag: &serde_json::Value| format!("{}={}", text(&tag["TagKey"]), text(&tag["TagValue"]));
    let described = server.ok("DescribeSecret", &[("SecretName", name), ("FetchTags", "true")]).await;
    let old: Vec<String> = described["Tags"]["Tag"].as_array().unwrap().iter().map(tag).collect();
    let listed = server.ok("ListTagResources", &on(name, &[])).await;
    let rows = listed["TagResources"]["TagResource"].as_array().unwrap();
    assert!(rows.iter().all(|row| row["ResourceId"] == name && row["ResourceType"] == "secret"), "{listed}");
    assert_eq!(rows.iter().map(tag).collect::<Vec<_>>(), old);
    let stored = server.stored(name).await.unwrap().secret.tags;
    assert_eq!(stored.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>(), old);
    old
}

#[tokio::test]
async fn rule_11_1_a_resource_has_at_most_20_tags() {
    let server = Server::start().await;
    let twenty = keys("k", 20);
    let all = old_style(&twenty);
    let created = [("SecretName", "s"), ("VersionId", "v1"), ("SecretData", "one"), ("Tags", &all)];
    server.ok("CreateSecret", &created).await;
    assert_eq!(tags(&server, "s").await.len(), 20);
    server.create("old").await;
    server.ok("TagResource", &[("SecretName", "old"), ("Tags", &all)]).await;
    assert_eq!(tags(&server, "old").await.len(), 20);
    server.create("new").await;
    server.ok("TagResources", &on("new", &flattened("Tag.#.Key", &twenty))).await;
    assert_eq!(tags(&server, "new").await.len(), 20);

    // One more, alone or together with an existing one; an existing tag does not count again.
    for name in ["s", "old", "new"] {
        for more in [keys("x", 1), vec!["k1".to_owned(), "x1".to_owned()]] {
            let with = [("SecretName", name), ("Tags", &old_style(&more))];
            refuses(&server, "TagResource", &with, &too_many()).await;
            let before = server.stored(name).await;
            let answer = server.refused("TagResources", &on(name, &flattened("Tag.#.Key", &more))).await;
            assert_eq!((answer, server.stored(name).await), (too_many(), before));
        }
        let again = [("SecretName", name), ("Tags", r#"[{"TagKey":"k1","TagValue":"again"}]"#)];
        server.ok("TagResource", &again).await;
        server.ok("TagResources", &on(name, &flattened("Tag.#.Key", &["k2".to_owned()]))).await;
        let now = tags(&server, name).await;
        assert!(now.len() == 20 && now.contains(&"k1=again".to_owned()) && now.contains(&"k2=".to_owned()));
    }
}

#[tokio::test]
async fn rule_11_1_more_than_20_tags_in_one_call_are_refused() {
    let server = Server::start().await;
    server.create("s").await;
    let many = keys("k", 21);
    let all = old_style(&many);
    let creation = [("SecretName", "t"), ("VersionId", "v1"), ("SecretData", "one"), ("Tags", &all)];
    refuses(&server, "CreateSecret", &creation, &too_many()).await;
    refuses(&server, "TagResource", &[("SecretName", "s"), ("Tags", &all)], &too_many()).await;
    let (status, _, _) = server.refused("TagResources", &on("s", &flattened("Tag.#.Key", &many))).await;
    assert_eq!(status, 400);
    assert_eq!(tags(&server, "s").await, [""; 0]);
}

#[tokio::test]
async fn rule_11_2_keys_and_values_of_the_documented_characters() {
    let server = Server::start().await;
    server.create("s").await;
    let long = ["k", "中"].map(|c| c.repeat(128));
    let documented = r"aZ09/\_-.+=:@";
    let good = [
        ("k/1", "v+/=@:._-_中"),
        ("größe", "ключ٣"),
        (documented, documented),
        (long[0].as_str(), long[1].as_str()),
        (&long[1], ""),
        // Only the documented spelling is reserved, and only for keys.
        ("Aliyun", "aliyun"),
        ("x-acs:", "acs:x"),
        ("acs", "ACS"),
    ];
    for (key, value) in good {
        let wanted = [format!("{key}={value}")];
        let json = json!([{"TagKey": key, "TagValue": value}]).to_string();
        server.ok("TagResource", &[("SecretName", "s"), ("Tags", &json)]).await;
        assert_eq!(tags(&server, "s").await, wanted);
        server.ok("UntagResources", &on("s", &[("TagKey.1".to_owned(), key.to_owned())])).await;
        let new = [("Tag.1.Key", key), ("Tag.1.Value", value)].map(|(n, v)| (n.to_owned(), v.to_owned()));
        server.ok("TagResources", &on("s", &new)).await;
        assert_eq!(tags(&server, "s").await, wanted);
        server.ok("UntagResource", &[("SecretName", "s"), ("TagKeys", &json!([key]).to_string())]).await;
        assert_eq!(tags(&server, "s").await, [""; 0]);
    }
}

#[tokio::test]
async fn rule_11_2_keys_and_values_that_are_refused() {
    let server = Server::start().await;
    server.create("s").await;
    let long = ["k", "中"].map(|c| c.repeat(129));
    let others = [
        "a\nb", "a\0", "\t", "\u{7f}", "\u{85}", " ", "a b", "a\u{a0}b", "\u{3000}", "*", "a~", "a,b", "a#",
        "a!", "(", "😀",
    ];
    let bad_keys = [&long[0], &long[1], "aliyun", "aliyun-x", "acs:", "acs:x"].into_iter().chain(others);
    let bad_values = [long[0].as_str(), &long[1]].into_iter().chain(others);
    let tags_of = bad_keys.map(|key| (key, "v")).chain(bad_values.map(|value| ("k", value)));
    for (key, value) in tags_of {
        let json =
            json!([{"TagKey": "good", "TagValue": "g"}, {"TagKey": key, "TagValue": value}]).to_string();
        let creation = [("SecretName", "t"), ("VersionId", "v1"), ("SecretData", "one"), ("Tags", &json)];
        refuses(&server, "CreateSecret", &creation, &invalid("Tags")).await;
        refuses(&server, "TagResource", &[("SecretName", "s"), ("Tags", &json)], &invalid("Tags")).await;
        let new = [("Tag.1.Key", "good"), ("Tag.2.Key", key), ("Tag.2.Value", value)];
        let new = new.map(|(n, v)| (n.to_owned(), v.to_owned()));
        let (status, code, _) = server.refused("TagResources", &on("s", &new)).await;
        let wanted = if key == "k" { "InvalidParameter.TagValue" } else { "InvalidParameter.TagKey" };
        assert_eq!((status, code.as_str()), (400, wanted), "{key:?} {value:?}");
        assert_eq!(tags(&server, "s").await, [""; 0], "{key:?} {value:?}");
    }
    // In JSON an empty key is a value, and invalid; as a parameter it is absent (rule 14.10).
    let json = r#"[{"TagKey":"","TagValue":"v"}]"#;
    refuses(&server, "TagResource", &[("SecretName", "s"), ("Tags", json)], &invalid("Tags")).await;
    let new = [("Tag.1.Key", ""), ("Tag.1.Value", "v")].map(|(n, v)| (n.to_owned(), v.to_owned()));
    assert_eq!(server.refused("TagResources", &on("s", &new)).await, missing("Tag.N.Key"));
}

/// An earlier release accepted any characters. Such tags are kept, shown, exported and imported; new ones are refused.
#[tokio::test]
async fn rule_11_2_tags_that_an_earlier_release_stored_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let on_disk = || Server::with(Options { dir: Some(dir.path()), ..Options::default() });
    let server = on_disk().await;
    server.create("s").await;
    let key = text(&server.ok("CreateKey", &[]).await["KeyMetadata"]["KeyId"]).to_owned();
    let json = r#"[{"TagKey":"k","TagValue":"v"}]"#;
    server.ok("TagResource", &[("SecretName", "s"), ("Tags", json)]).await;
    server.ok("TagResource", &[("KeyId", &key), ("Tags", json)]).await;
    server.stop().await;
    let pool = sqlx::SqlitePool::connect(&format!("sqlite:{}", dir.path().join("sesame.db").display()))
        .await
        .unwrap();
    for change in [
        "UPDATE tags SET tag_key = 'k 1', tag_value = 'v ~'",
        "UPDATE key_tags SET tag_key = 'k 1', tag_value = 'v ~'",
    ] {
        assert!(sqlx::query(change).execute(&pool).await.unwrap().rows_affected() > 0, "{change}");
    }
    pool.close().await;

    let server = on_disk().await;
    let tags_of_key = async || server.ok("ListResourceTags", &[("KeyId", &key)]).await["Tags"]["Tag"].clone();
    let old = json!([{ "KeyId": key, "TagKey": "k 1", "TagValue": "v ~" }]);
    assert_eq!((tags(&server, "s").await, tags_of_key().await), (vec!["k 1=v ~".to_owned()], old.clone()));
    // A tag with documented characters can be added.
    server.ok("TagResource", &[("SecretName", "s"), ("Tags", r#"[{"TagKey":"a","TagValue":"b"}]"#)]).await;
    let exported = server.send("GET", "/_sesame/state?plaintext", &[], b"").await;
    assert_eq!(exported.status, 200, "{}", exported.body);
    let state = exported.body;
    let put_back = server.send("PUT", "/_sesame/state", &[], state.as_bytes()).await;
    assert_eq!(put_back.status, 200, "{}", put_back.body);
    assert_eq!(
        (tags(&server, "s").await, tags_of_key().await),
        (vec!["a=b".to_owned(), "k 1=v ~".to_owned()], old)
    );
    // A seed cannot create one.
    for seed in [
        r#"{"secrets":[{"name":"t","tags":{"k 1":"v"},"versions":[{"id":"v1","value":"x"}]}]}"#,
        r#"{"secrets":[{"name":"s","tags":{"k":"v ~"},"versions":[{"id":"v1","value":"one"}]}]}"#,
        r#"{"keys":[{"id":"key-new","tags":{"k":"v ~"}}]}"#,
        &format!(r#"{{"keys":[{{"id":"{key}","tags":{{"k*":"v"}}}}]}}"#),
    ] {
        let answer = server.send("POST", "/_sesame/seed", &[], seed.as_bytes()).await;
        assert_eq!(answer.status, 400, "{seed}: {}", answer.body);
        assert!(answer.body.contains("allowed are letters, digits and / "), "{}", answer.body);
    }
    server.ok("UntagResources", &on("s", &[("All".to_owned(), "true".to_owned())])).await;
    assert_eq!(tags(&server, "s").await, [""; 0]);
    server.stop().await;
}

#[tokio::test]
async fn rule_11_3_each_wrong_call_of_the_new_style_has_its_code() {
    let server = Server::start().await;
    server.create("s").await;
    server.create("t").await;
    let wrong = |kind: &str| {
        refusal(400, &format!("InvalidParameter.{kind}"), "The specified parameter is not valid.")
    };
    let twice = refusal(400, "Duplicate.TagKey", "The specified tagKey is duplicate.");
    let id = ("ResourceId.1", "s");
    let tag = ("Tag.1.Key", "k");
    let cases: [(Pairs<'_>, &(u16, String, String)); 10] = [
        (&[id, tag, ("Tag.2.Key", "k")], &twice),
        (&[id, ("Tag.1.Key", "k"), ("Tag.1.Value", "a"), ("Tag.7.Key", "k"), ("Tag.7.Value", "b")], &twice),
        (&[id, ("Tag.1.Key", "acs:k")], &wrong("TagKey")),
        (&[id, tag, ("Tag.1.Value", "\n")], &wrong("TagValue")),
        (&[id, ("Tag.1.Value", "v")], &missing("Tag.N.Key")),
        (&[id], &missing("Tag.1.Key")),
        (&[tag], &missing("ResourceId.1")),
        (&[("ResourceId.1", "absent"), tag], &no_such_resource()),
        (&[("ResourceId.1", "no name!"), tag], &no_such_resource()),
        // The others are named correctly, and still nothing happens to them.
        (&[id, ("ResourceId.2", "t"), ("ResourceId.3", "absent"), tag], &no_such_resource()),
    ];
    for (parameters, wanted) in cases {
        let parameters = [&SECRETS, parameters].concat();
        assert_eq!(&server.refused("TagResources", &parameters).await, wanted, "{parameters:?}");
    }
    // Keys that differ in case are two keys.
    server.ok("TagResources", &[&SECRETS[..], &[id, tag, ("Tag.2.Key", "K")]].concat()).await;
    assert_eq!(tags(&server, "s").await, ["K=", "k="]);
    assert_eq!(tags(&server, "t").await, [""; 0]);
    // There are no user keys, and no other kinds.
    for (kind, wanted) in
        [("key", no_such_resource()), ("Secret", invalid("ResourceType")), ("", missing("ResourceType"))]
    {
        let parameters = [("RegionId", "cn-hangzhou"), ("ResourceType", kind), id, tag];
        assert_eq!(server.refused("TagResources", &parameters).await, wanted, "{kind}");
    }
    for (action, left) in [("TagResources", "RegionId"), ("UntagResources", "ResourceType")] {
        let all = [&SECRETS[..], &[id, tag, ("TagKey.1", "k")]].concat();
        let without: Vec<_> = all.into_iter().filter(|(name, _)| *name != left).collect();
        assert_eq!(server.refused(action, &without).await, missing(left), "{action}");
    }
    for action in ["UntagResources", "ListTagResources"] {
        let absent = [&SECRETS[..], &[("ResourceId.1", "absent"), ("TagKey.1", "k")]].concat();
        assert_eq!(server.refused(action, &absent).await, no_such_resource(), "{action}");
    }
    let bad_key = [&SECRETS[..], &[id, ("TagKey.1", "acs:k")]].concat();
    assert_eq!(server.refused("UntagResources", &bad_key).await, wrong("TagKey"));
}

#[tokio::test]
async fn rule_11_3_each_wrong_call_of_the_old_style_has_its_code() {
    let server = Server::start().await;
    server.create("s").await;
    let name = ("SecretName", "s");
    let good = r#"[{"TagKey":"k","TagValue":"v"}]"#;
    for bad in [
        "k",
        "[]",
        "{}",
        r#"{"TagKey":"k","TagValue":"v"}"#,
        r#"["k"]"#,
        r#"[{"TagValue":"v"}]"#,
        r#"[{"TagKey":1,"TagValue":"v"}]"#,
        r#"[{"TagKey":"k","TagValue":1}]"#,
        r#"[{"TagKey":"k","TagValue":"a"},{"TagKey":"k","TagValue":"b"}]"#,
        r#"[{"TagKey":"k","TagValue":"v"}"#,
    ] {
        refuses(&server, "TagResource", &[name, ("Tags", bad)], &invalid("Tags")).await;
    }
    refuses(&server, "TagResource", &[name], &missing("Tags")).await;
    refuses(&server, "UntagResource", &[name], &missing("TagKeys")).await;
    for bad in ["[]", "[1]", r#"["k""#, r#"["acs:k"]"#, ",", "a,,b"] {
        refuses(&server, "UntagResource", &[name, ("TagKeys", bad)], &invalid("TagKeys")).await;
    }
    for (action, parameter) in [("TagResource", ("Tags", good)), ("UntagResource", ("TagKeys", r#"["k"]"#))] {
        assert_eq!(server.refused(action, &[parameter]).await, missing("SecretName"));
        refuses(&server, action, &[("SecretName", "absent"), parameter], &not_found()).await;
        let both = [name, ("KeyId", "k"), parameter];
        refuses(&server, action, &both, &invalid("SecretName")).await;
        let (status, code, _) = server.refused(action, &[("KeyId", "k"), parameter]).await;
        assert_eq!((status, code.as_str()), (404, "Forbidden.KeyNotFound"), "{action}");
        assert_eq!(server.refused(action, &[("CertificateId", "c"), parameter]).await, not_found());
    }
    assert_eq!(tags(&server, "s").await, [""; 0]);
}

#[tokio::test]
async fn rule_11_4_keys_are_removed_and_unknown_ones_skipped() {
    let server = Server::start().await;
    let all = old_style(&keys("k", 4));
    for name in ["s", "t"] {
        server.create(name).await;
        server.ok("TagResource", &[("SecretName", name), ("Tags", &all)]).await;
    }
    let both = [&SECRETS[..], &[("ResourceId.1", "s"), ("ResourceId.2", "t")]].concat();
    let untag = async |more: &[(&str, &str)]| server.ok("UntagResources", &[&both, more].concat()).await;
    untag(&[("TagKey.1", "unknown"), ("TagKey.2", "k2"), ("TagKey.3", "K1")]).await;
    for name in ["s", "t"] {
        assert_eq!(tags(&server, name).await, ["k1=v", "k3=v", "k4=v"]);
    }
    // `All` counts only without a key.
    untag(&[("TagKey.1", "k3"), ("All", "true")]).await;
    for name in ["s", "t"] {
        assert_eq!(tags(&server, name).await, ["k1=v", "k4=v"]);
    }
    for more in [&[][..], &[("All", "false")]] {
        let parameters = [&both, more].concat();
        assert_eq!(server.refused("UntagResources", &parameters).await, missing("TagKey.1"));
    }
    let neither = [&both[..], &[("All", "yes")]].concat();
    assert_eq!(server.refused("UntagResources", &neither).await, invalid("All"));
    assert_eq!(tags(&server, "s").await, ["k1=v", "k4=v"]);
    untag(&[("All", "True")]).await;
    for name in ["s", "t"] {
        assert_eq!(tags(&server, name).await, [""; 0]);
    }
    // The old style: a JSON array, or a comma-separated list.
    server.ok("TagResource", &[("SecretName", "s"), ("Tags", &all)]).await;
    server.ok("UntagResource", &[("SecretName", "s"), ("TagKeys", r#"["unknown", "k4"]"#)]).await;
    server.ok("UntagResource", &[("SecretName", "s"), ("TagKeys", "k1,unknown, k2")]).await;
    assert_eq!(tags(&server, "s").await, ["k3=v"]);
    // Removing nothing is not a change.
    let before = server.stored("s").await;
    server.ok("UntagResource", &[("SecretName", "s"), ("TagKeys", r#"["k1"]"#)]).await;
    assert_eq!(server.stored("s").await, before);
}

#[tokio::test]
async fn rule_11_4_at_most_50_resources_and_20_keys_a_call() {
    let server = Server::start().await;
    let names = keys("s", 51);
    for name in &names {
        server.create(name).await;
    }
    let ids = flattened("ResourceId.#", &names);
    let call = async |action: &str, ids: &[(String, String)], more: &[(String, String)]| {
        let lists = ids.iter().chain(more).map(|(name, value)| (name.as_str(), value.as_str()));
        server.call(action, &SECRETS.into_iter().chain(lists).collect::<Vec<_>>()).await
    };
    let tag = flattened("Tag.#.Key", &keys("k", 1));
    call("TagResources", &ids[..50], &tag).await.ok();
    assert_eq!(tags(&server, "s50").await, ["k1="]);
    let twenty = flattened("TagKey.#", &keys("k", 20));
    call("UntagResources", &ids[..50], &twenty).await.ok();
    for name in ["s1", "s50"] {
        assert_eq!(tags(&server, name).await, [""; 0]);
    }
    call("TagResources", &ids[..2], &tag).await.ok();
    let too_long = call("UntagResources", &ids, &twenty).await.refused();
    assert_eq!(too_long, invalid("ResourceId"));
    let many = flattened("TagKey.#", &keys("k", 21));
    let too_many_keys = call("UntagResources", &ids[..1], &many).await.refused();
    assert_eq!(too_many_keys, invalid("TagKey"));
    assert_eq!(call("TagResources", &ids, &tag).await.refused(), invalid("ResourceId"));
    assert_eq!(tags(&server, "s1").await, ["k1="]);
}

#[tokio::test]
async fn rule_11_5_both_styles_see_the_same_tags() {
    let server = Server::start().await;
    let created = [
        ("SecretName", "s"),
        ("VersionId", "v1"),
        ("SecretData", "one"),
        ("Tags", r#"[ {"TagKey": "a", "TagValue": "created"}, {"TagKey": "b"} ]"#),
    ];
    server.ok("CreateSecret", &created).await;
    assert_eq!(tags(&server, "s").await, ["a=created", "b="]);
    let new = [("Tag.1.Key", "b"), ("Tag.1.Value", "new"), ("Tag.2.Key", "c")];
    server.ok("TagResources", &[&SECRETS[..], &[("ResourceId.1", "s")], &new].concat()).await;
    assert_eq!(tags(&server, "s").await, ["a=created", "b=new", "c="]);
    let old = [("SecretName", "s"), ("Tags", r#"[{"TagKey":"c","TagValue":"old"}]"#)];
    server.ok("TagResource", &old).await;
    assert_eq!(tags(&server, "s").await, ["a=created", "b=new", "c=old"]);
    server.ok("UntagResource", &[("SecretName", "s"), ("TagKeys", r#"["b"]"#)]).await;
    server.ok("UntagResources", &[&SECRETS[..], &[("ResourceId.1", "s"), ("TagKey.1", "a")]].concat()).await;
    assert_eq!(tags(&server, "s").await, ["c=old"]);
    // The list shows them too, and filters by them.
    let filter = [("FetchTags", "true"), ("Filters", r#"[{"Key":"TagValue","Values":["old"]}]"#)];
    let list = server.ok("ListSecrets", &filter).await;
    let row = &list["SecretList"]["Secret"][0];
    assert_eq!((&row["SecretName"], &row["Tags"]["Tag"][0]["TagKey"]), (&json!("s"), &json!("c")));
    // One style's values mean nothing to the other.
    let crossed = [("SecretName", "s"), ("Tag.1.Key", "x"), ("Tag.1.Value", "y")];
    refuses(&server, "TagResource", &crossed, &missing("Tags")).await;
}
