//! Imports are checked before anything is replaced: what is sealed, every bound, every name.

use serde_json::{Value, json};

use crate::state::{admin, done};
use crate::support::{Options, Server};

const SEED: &str = r#"
accounts:
  - id: "1000000000000009"
    access_keys: [{ id: nine, secret: nine-secret }]
keys:
  - id: key-one
    aliases: [alias/one]
secrets:
  - name: a
    key: alias/one
    versions: [{ id: v1, value: one, stages: [ACSPrevious] }, { id: v2, value: two, stages: [ACSCurrent] }]
  - name: b
    versions: [{ id: v1, value: three }]
"#;

async fn server() -> Server {
    let server = Server::with(Options::default()).await;
    done(&server, "POST", "/_sesame/seed", SEED).await;
    server
}

/// The places of all texts under one of these names.
fn places(value: &Value, names: &[&str], path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, inside) in members {
                let path = format!("{path}/{name}");
                if names.contains(&name.as_str()) && inside.is_string() {
                    found.push(path.clone());
                }
                places(inside, names, &path, found);
            }
        }
        Value::Array(items) => {
            for (at, inside) in items.iter().enumerate() {
                places(inside, names, &format!("{path}/{at}"), found);
            }
        }
        _ => {}
    }
}

/// The import of a file must be refused with 400 and this message, and change nothing.
async fn refused(server: &Server, file: &Value, wanted: &str) {
    let before = done(server, "GET", "/_sesame/state", "").await;
    let answer = admin(server, "PUT", "/_sesame/state", &file.to_string()).await;
    assert_eq!(answer.status, 400, "{wanted}: {}", answer.body);
    assert!(answer.body.contains(wanted), "{wanted:?} is not in {}", answer.body);
    let mut after = done(server, "GET", "/_sesame/state", "").await;
    // The marker does not change, and neither does anything else.
    assert_eq!(after["sealed_with"].take(), before["sealed_with"]);
    let mut before = before;
    before["sealed_with"].take();
    assert_eq!(after, before);
}

#[tokio::test]
async fn a_flipped_bit_in_anything_sealed_is_refused_before_anything_is_replaced() {
    let server = server().await;
    let sealed = done(&server, "GET", "/_sesame/state", "").await;
    let mut all = Vec::new();
    places(&sealed, &["sealed", "wrapped", "candidate"], "", &mut all);
    // One account, two keys, two data keys, three values.
    assert_eq!(all.len(), 8, "{all:?}");
    for place in all {
        let text = sealed.pointer(&place).unwrap().as_str().unwrap();
        for at in [4, text.len() / 2, text.len() - 6] {
            let mut altered = text.as_bytes().to_vec();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            let mut file = sealed.clone();
            *file.pointer_mut(&place).unwrap() = json!(String::from_utf8(altered).unwrap());
            refused(&server, &file, "does not open").await;
        }
    }
    done(&server, "PUT", "/_sesame/state", &sealed.to_string()).await;
}

#[tokio::test]
async fn what_is_moved_to_another_place_is_refused() {
    let server = server().await;
    let sealed = done(&server, "GET", "/_sesame/state", "").await;
    let mut file = sealed.clone();
    let value = file["secrets"][0]["versions"][0]["sealed"].take();
    file["secrets"][0]["versions"][0]["sealed"] = file["secrets"][0]["versions"][1]["sealed"].take();
    file["secrets"][0]["versions"][1]["sealed"] = value;
    refused(&server, &file, "does not open").await;
    let mut file = sealed.clone();
    file["secrets"][1]["id"] = file["secrets"][0]["id"].clone();
    refused(&server, &file, "secrets[1].id: is given twice").await;
    let mut file = sealed;
    file["secrets"][0]["id"] = json!("sec-another");
    refused(&server, &file, "does not open").await;
}

#[tokio::test]
async fn numbers_out_of_range_and_texts_that_are_too_long_are_refused() {
    const MOST: u64 = 1_000_000_000_000_000;
    let server = server().await;
    let sealed = done(&server, "GET", "/_sesame/state", "").await;
    for (place, value, wanted) in [
        ("/secrets/0/revision", json!(0), "secrets[0].revision: must be from 1"),
        ("/secrets/0/revision", json!(MOST + 1), "secrets[0].revision: must be from 1"),
        ("/secrets/0/revision", json!(u64::MAX), "secrets[0].revision: must be from 1"),
        ("/keys/0/revision", json!(MOST + 1), "revision: must be from 1"),
        ("/secrets/0/versions/1/ordinal", json!(MOST + 1), "versions[1].ordinal: must be from 1"),
        ("/keys/0/versions/0/number", json!(0), "versions[0].number: must be from 1"),
        ("/keys/0/versions/0/number", json!(u32::MAX), "versions[0].number: must be from 1"),
        ("/secrets/0/description", json!("x".repeat(8193)), "secrets[0].description: has more than 8192"),
        ("/keys/0/description", json!("x".repeat(8193)), "description: has more than 8192"),
    ] {
        let mut file = sealed.clone();
        let (parent, name) = place.rsplit_once('/').unwrap();
        file.pointer_mut(parent).unwrap()[name] = value;
        refused(&server, &file, wanted).await;
    }
    let mut file = sealed.clone();
    let twice = file["secrets"][0]["data_keys"][0].clone();
    file["secrets"][0]["data_keys"].as_array_mut().unwrap().push(twice);
    refused(&server, &file, "data_keys[1].id: is given twice").await;
    let mut file = sealed.clone();
    let keys = file["keys"].as_array_mut().unwrap();
    for key in keys {
        key["owner"] = json!("Service");
    }
    refused(&server, &file, "another service-managed key").await;
    let mut file = sealed;
    file["secrets"][0]["revision"] = json!(MOST);
    done(&server, "PUT", "/_sesame/state", &file.to_string()).await;
    let put = [("SecretName", "a"), ("VersionId", "v3"), ("SecretData", "later")];
    assert_eq!(server.call("PutSecretValue", &put).await.status, 200);
}

#[tokio::test]
async fn a_version_with_200_000_labels_is_refused_and_the_server_goes_on() {
    let server = server().await;
    let labels: Vec<String> = (0..200_000).map(|n| format!("label-{n}")).collect();
    let version = json!({ "id": "v1", "value": "x", "stages": labels });
    let file = json!({ "version": 1, "secrets": [{ "name": "many", "versions": [version] }] });
    refused(&server, &file, "too many versions or labels").await;
    let answer = admin(&server, "POST", "/_sesame/seed", &file.to_string()).await;
    assert!(answer.status == 400 && answer.body.contains("too many versions or labels"), "{}", answer.body);
    let versions: Vec<Value> = (0..200_000).map(|n| json!({ "id": format!("v{n}"), "value": "x" })).collect();
    let file = json!({ "version": 1, "secrets": [{ "name": "many", "versions": versions }] });
    refused(&server, &file, "too many versions or labels").await;
}

#[tokio::test]
async fn many_keys_aliases_and_secrets_are_found_by_their_names() {
    let server = server().await;
    let material = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let key = |n: usize| json!({ "id": format!("key-{n}"), "aliases": [format!("alias/{n}")], "material": material });
    let secret = |n: usize| {
        let version = json!({ "id": "v1", "value": "x" });
        json!({ "name": format!("s{n}"), "key": format!("alias/{n}"), "versions": [version] })
    };
    let keys: Vec<Value> = (0..1000).map(key).collect();
    let secrets: Vec<Value> = (0..1000).map(secret).collect();
    let file = json!({ "version": 1, "keys": keys, "secrets": secrets });
    let counts = done(&server, "PUT", "/_sesame/state", &file.to_string()).await;
    assert_eq!((&counts["keys"], &counts["secrets"]), (&json!(1000), &json!(1000)));
    assert!(server.call("GetSecretValue", &[("SecretName", "s999")]).await.body.contains("\"x\""));
}
