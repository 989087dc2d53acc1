//! Kind generator: new random texts in Generic secrets (rule DY14.3).

use serde_json::{Value, json};

use super::receiver::with_rotators;
use super::{ended, rotate};
use crate::state::done;
use crate::support::{Options, Server, text};

async fn server_with(more: &str) -> Server {
    let toml = format!("[[rotators]]\nname='texts'\nsecrets=['*']\nkind='generator'\n{more}");
    let mut rotation = with_rotators(&toml);
    rotation.generic_by_call = true;
    Server::with(Options { rotation, ..Options::default() }).await
}

async fn create(server: &Server, data: &str) {
    let parameters = [("SecretName", "g"), ("VersionId", "v1"), ("SecretData", data)];
    server.ok("CreateSecret", &parameters).await;
}

async fn value(server: &Server) -> String {
    text(&server.ok("GetSecretValue", &[("SecretName", "g")]).await["SecretData"]).to_owned()
}

#[tokio::test]
async fn rule_dy14_3_named_fields_get_new_texts_and_the_rest_stays() {
    let server =
        server_with("fields=['password','/more/key']\npassword={length=16,exclude_uppercase=true}").await;
    create(&server, r#"{"user":"app","password":"old","more":{"key":"old","n":7}}"#).await;
    rotate(&server, "g", "v2").await;
    let made: Value = serde_json::from_str(&value(&server).await).unwrap();
    assert_eq!((&made["user"], &made["more"]["n"]), (&json!("app"), &json!(7)));
    for made in [text(&made["password"]), text(&made["more"]["key"])] {
        assert!(made.len() == 16 && !made.contains(|c: char| c.is_ascii_uppercase()), "{made}");
    }
}

#[tokio::test]
async fn rule_dy14_3_a_value_that_is_not_json_is_replaced_whole() {
    let server = server_with("fields=['password']").await;
    create(&server, "not JSON").await;
    rotate(&server, "g", "v2").await;
    assert_eq!(value(&server).await.len(), 32);
}

#[tokio::test]
async fn a_missing_field_and_a_binary_value_fail_without_the_value_in_the_message() {
    let server = server_with("fields=['password']").await;
    create(&server, r#"{"other":"canary"}"#).await;
    rotate(&server, "g", "v2").await;
    let row = ended(&server).await;
    assert!(text(&row["message"]).contains("/password") && !row.to_string().contains("canary"), "{row}");
    let binary =
        [("SecretName", "b"), ("VersionId", "v1"), ("SecretDataType", "binary"), ("SecretData", "Y2FuYXJ5")];
    server.ok("CreateSecret", &binary).await;
    rotate(&server, "b", "v2").await;
    assert!(text(&ended(&server).await["message"]).contains("is binary"));
}

#[tokio::test]
async fn a_check_says_that_nothing_is_contacted() {
    let server = server_with("").await;
    let checked = done(&server, "POST", "/_sesame/rotators/texts/check", "").await;
    assert!(checked["works"] == true && text(&checked["found"]).contains("contacts nothing"), "{checked}");
}
