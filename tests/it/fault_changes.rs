//! `/_sesame/faults`: adding and removing single rules, and rules of an account.

use serde_json::{Value, json};

use crate::state::{admin, done};
use crate::support::{ACCOUNT, OTHER_ACCOUNT, Server};

const PATH: &str = "/_sesame/faults";

/// The id, `matched` and `fired` of each rule.
fn counts(answer: &Value) -> Vec<(u64, u64, u64)> {
    let count = |rule: &Value, name: &str| rule[name].as_u64().unwrap();
    let row = |rule: &Value| (count(rule, "id"), count(rule, "matched"), count(rule, "fired"));
    answer["faults"].as_array().unwrap().iter().map(row).collect()
}

async fn listed(server: &Server) -> u16 {
    server.call("ListSecrets", &[]).await.status
}

#[tokio::test]
async fn a_rule_is_added_and_removed_and_the_others_keep_their_counts() {
    let server = Server::start().await;
    let every = json!({ "faults": [{ "action": "ListSecrets", "every": 3, "code": "InternalFailure" }] });
    done(&server, "PUT", PATH, &every.to_string()).await;
    assert_eq!([listed(&server).await, listed(&server).await], [200, 200]);
    let more = r#"{"action":"ListSecrets","times":2,"code":"Rejected.Throttling"}"#;
    let answer = done(&server, "POST", PATH, more).await;
    assert_eq!(counts(&answer), [(1, 2, 0), (2, 0, 0)]);
    // The third call: the rule that counts to three was not restarted.
    assert_eq!([listed(&server).await, listed(&server).await], [500, 429]);
    done(&server, "POST", PATH, &format!("[{more},{more}]")).await;
    assert_eq!(admin(&server, "DELETE", "/_sesame/faults/1", "").await.status, 204);
    let answer = done(&server, "GET", PATH, "").await;
    assert_eq!(counts(&answer), [(2, 1, 1), (3, 0, 0), (4, 0, 0)]);
    assert_eq!([listed(&server).await, listed(&server).await], [429, 429]);
    // What a list shows can be sent back; the counts start again.
    let back = done(&server, "GET", PATH, "").await.to_string();
    let answer = done(&server, "PUT", PATH, &back).await;
    assert_eq!(counts(&answer), [(1, 0, 0), (2, 0, 0), (3, 0, 0)]);
    assert_eq!(
        answer["faults"][0],
        json!({"id":1,"action":"ListSecrets","times":2,"code":"Rejected.Throttling","matched":0,"fired":0})
    );
    server.stop().await;
}

#[tokio::test]
async fn a_wrong_addition_or_removal_changes_nothing() {
    let server = Server::start().await;
    let rule = r#"{"action":"ListSecrets","code":"Rejected.Throttling"}"#;
    done(&server, "POST", PATH, rule).await;
    let before = done(&server, "GET", PATH, "").await;
    let many = json!(vec![json!({ "action": "*", "delay_ms": 1 }); 100]).to_string();
    let foreign = format!(r#"{{"action":"*","delay_ms":1,"account":"{OTHER_ACCOUNT}"}}"#);
    let of_account = format!("{PATH}?account={ACCOUNT}");
    for (method, path, body, status, words) in [
        ("POST", PATH, many.as_str(), 400, "there would be more than 100 rules"),
        ("POST", PATH, r#"{"action":"*","code":"Nope"}"#, 400, "rule 1: code: "),
        ("POST", PATH, r#"{"rules":[]}"#, 400, "unknown field `rules`, expected `faults`"),
        ("POST", &of_account, &foreign, 400, "a rule names an account other than"),
        ("DELETE", "/_sesame/faults/2", "", 404, "there is no fault rule 2"),
        ("DELETE", "/_sesame/faults/one", "", 400, "is a whole number"),
        ("DELETE", &format!("/_sesame/faults/1?account={ACCOUNT}"), "", 404, "there is no fault rule 1"),
        ("GET", "/_sesame/faults?account=x", "", 400, "account "),
    ] {
        let answer = admin(&server, method, path, body).await;
        assert!(
            answer.status == status && answer.body.contains(words),
            "{method} {path} {body}: {}",
            answer.body
        );
    }
    assert_eq!(done(&server, "GET", PATH, "").await, before);
    server.stop().await;
}

#[tokio::test]
async fn rules_of_an_account_leave_other_accounts_alone() {
    let server = Server::start().await;
    let (a, b) = ("2000000000000001", "2000000000000002");
    for (account, key) in [(a, "ka"), (b, "kb")] {
        let body = json!({ "access_keys": [{ "id": key, "secret": "s" }] }).to_string();
        done(&server, "PUT", &format!("/_sesame/accounts/{account}"), &body).await;
    }
    let status = async |key: &str| server.call_as((key, "s"), "ListSecrets", &[]).await.status;
    let rule = r#"{"action":"ListSecrets","code":"Rejected.Throttling"}"#;
    let [of_a, of_b] = [a, b].map(|account| format!("{PATH}?account={account}"));
    let answer = done(&server, "POST", &of_a, rule).await;
    assert_eq!(answer["faults"][0]["account"], a);
    done(&server, "POST", &of_b, rule).await;
    assert_eq!([status("ka").await, status("kb").await, listed(&server).await], [429, 429, 200]);
    assert_eq!(counts(&done(&server, "GET", &of_b, "").await), [(2, 1, 1)]);
    // A replacement and a removal touch only the rules of the account.
    let slow = r#"{"faults":[{"action":"ListSecrets","delay_ms":1}]}"#;
    assert_eq!(counts(&done(&server, "PUT", &of_a, slow).await), [(3, 0, 0)]);
    assert_eq!([status("ka").await, status("kb").await], [200, 429]);
    assert_eq!(admin(&server, "DELETE", &of_b, "").await.status, 204);
    assert_eq!([status("ka").await, status("kb").await], [200, 200]);
    assert_eq!(counts(&done(&server, "GET", PATH, "").await), [(3, 2, 2)]);
    server.stop().await;
}
