//! One test per rule, named `rule_<section>_<number>_<meaning>`, over HTTP against a whole server. Rules that concern only
//! functions of the domain are tested next to the code. `docs/rules.md` lists the tests of each rule.

mod addresses;
mod deletion;
mod empty;
mod keys;
mod listing;
mod names;
mod passwords;
mod plaintexts;
mod policies;
mod reading;
mod secrets;
mod stages;
mod tags;
mod versions;
mod wire;

use sesame::testing::domain::{StageLabel, Version};

use crate::support::{Server, stages};

/// All versions with their labels, newest first, as the API shows them and the database stores them.
async fn versions(server: &Server, name: &str) -> String {
    let secret = server.stored(name).await.unwrap().secret;
    let row = |version: &Version| {
        let labels: Vec<&str> = secret.stages.labels_of(&version.id).map(StageLabel::as_str).collect();
        format!("{}[{}]", version.id, labels.join(","))
    };
    let held = secret.versions.iter().rev().map(row).collect::<Vec<_>>().join(" ");
    assert_eq!(server.versions(name).await, held);
    held
}

/// Puts a version with labels and expects these in the answer.
async fn put_labelled(server: &Server, name: &str, version: &str, labels: &[&str]) {
    let json = serde_json::to_string(labels).unwrap();
    let parameters =
        [("SecretName", name), ("VersionId", version), ("SecretData", version), ("VersionStages", &json)];
    let answer = server.ok("PutSecretValue", &parameters).await;
    let mut labels = labels.to_vec();
    labels.sort_unstable();
    assert_eq!(stages(&answer), labels);
}

/// Expects a refusal that does not change the named secret, although time has passed.
async fn refuses(server: &Server, action: &str, parameters: &[(&str, &str)], wanted: &(u16, String, String)) {
    let name = parameters.iter().find(|(name, _)| *name == "SecretName").map(|(_, value)| *value).unwrap();
    let before = server.stored(name).await;
    server.clock.advance(1000);
    assert_eq!(&server.refused(action, parameters).await, wanted, "{action} {parameters:?}");
    assert_eq!(server.stored(name).await, before, "{action} {parameters:?}");
}
